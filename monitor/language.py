"""A language tag -> the code by which languages are compared: feeds, topics, queries and items alike."""

from __future__ import annotations

import re
from functools import lru_cache

# ISO 639-1, each code with its other names in ISO 639-2 (some have two there), and Norwegian with its written forms.
# sh was withdrawn, but is still in use.
_NAMES = """
    aa/aar ab/abk ae/ave af/afr ak/aka am/amh an/arg ar/ara as/asm av/ava ay/aym az/aze ba/bak be/bel bg/bul bh/bih
    bi/bis bm/bam bn/ben bo/bod/tib br/bre bs/bos ca/cat ce/che ch/cha co/cos cr/cre cs/ces/cze cu/chu cv/chv
    cy/cym/wel da/dan de/deu/ger dv/div dz/dzo ee/ewe el/ell/gre en/eng eo/epo es/spa et/est eu/eus/baq fa/fas/per
    ff/ful fi/fin fj/fij fo/fao fr/fra/fre fy/fry ga/gle gd/gla gl/glg gn/grn gu/guj gv/glv ha/hau he/heb hi/hin
    ho/hmo hr/hrv ht/hat hu/hun hy/hye/arm hz/her ia/ina id/ind ie/ile ig/ibo ii/iii ik/ipk io/ido is/isl/ice it/ita
    iu/iku ja/jpn jv/jav ka/kat/geo kg/kon ki/kik kj/kua kk/kaz kl/kal km/khm kn/kan ko/kor kr/kau ks/kas ku/kur
    kv/kom kw/cor ky/kir la/lat lb/ltz lg/lug li/lim ln/lin lo/lao lt/lit lu/lub lv/lav mg/mlg mh/mah mi/mri/mao
    mk/mkd/mac ml/mal mn/mon mr/mar ms/msa/may mt/mlt my/mya/bur na/nau nd/nde ne/nep ng/ndo nl/nld/dut
    no/nor/nb/nob/nn/nno nr/nbl nv/nav ny/nya oc/oci oj/oji om/orm or/ori os/oss pa/pan pi/pli pl/pol ps/pus pt/por
    qu/que rm/roh rn/run ro/ron/rum ru/rus rw/kin sa/san sc/srd sd/snd se/sme sg/sag si/sin sk/slk/slo sl/slv sm/smo
    sn/sna so/som sq/sqi/alb sr/srp/sh st/sot ss/ssw su/sun sv/swe sw/swa ta/tam te/tel tg/tgk th/tha ti/tir tk/tuk
    tl/tgl tn/tsn to/ton tr/tur ts/tso tt/tat tw/twi ty/tah ug/uig uk/ukr ur/urd uz/uzb ve/ven vi/vie vo/vol wa/wln
    wo/wol xh/xho yi/yid yo/yor za/zha zh/zho/chi zu/zul
"""
_CODE_OF = {name: names.split("/")[0] for names in _NAMES.split() for name in names.split("/")}
ISO_639_1 = frozenset(_CODE_OF.values())
# What documents say instead: withdrawn codes, countries taken for languages, members of a language that has a code of
# its own (ISO 639-3), and names.
_SAME_AS = {
    "iw": "he", "in": "id", "ji": "yi", "mo": "ro",
    "ua": "uk", "cn": "zh", "jp": "ja", "cz": "cs", "gr": "el", "dk": "da",
    "cmn": "zh", "yue": "zh", "ckb": "ku", "kmr": "ku", "arb": "ar", "pes": "fa", "prs": "fa",
    "english": "en", "russian": "ru", "french": "fr", "german": "de", "spanish": "es", "arabic": "ar",
}  # fmt: skip
# ISO 639-2: uncoded, several, undetermined, none at all.
_NO_LANGUAGE = {"mis", "mul", "und", "zxx"}
_TAG = re.compile("([a-z]{2,3})(-[A-Za-z0-9]{2,8})*")


@lru_cache(maxsize=1024)
def language_code(tag: str) -> str:
    """Reduce a language tag, however written, to ISO 639-1 (`en-GB` to `en`); empty for what is no language.

    A code of three letters stays as it is where the language has none of two (`ast`).
    """
    primary = re.split(r"[-_\s,;]", tag.strip().lower(), maxsplit=1)[0]
    primary = _SAME_AS.get(primary) or _CODE_OF.get(primary, primary)
    is_code = primary in ISO_639_1 or (re.fullmatch("[a-z]{3}", primary) and primary not in _NO_LANGUAGE)
    return primary if is_code else ""


def is_language_tag(text: str) -> bool:
    """Tell whether this is how to write a language (BCP 47): a code of ISO 639, with a script or a region perhaps.

    A country's code is none (`ua` for `uk`): whoever writes it may mean either.
    """
    found = _TAG.fullmatch(text)
    return found is not None and (found[1] in _CODE_OF or (len(found[1]) > 2 and language_code(found[1]) != ""))  # noqa: PLR2004 - letters
