"""Abbreviations whose full stop isn't, or isn't always, a sentence's end: lower case, without the last stop."""

# ruff: noqa: SIM905 - a word list is read, sorted and compared more easily as words

# A name, a number or the rest of the phrase always follows.
NEVER_FINAL = frozenset(
    """mr mrs ms mx dr prof rev hon gen col maj capt cmdr lt sgt gov sen rep pres supt messrs mme mlle
    e.g i.e eg ie cf viz vs v approx ca resp incl excl esp""".split()
)

# The same of other languages; in capitals they are names in any: "SRA", "UDS".
NEVER_FINAL_ELSEWHERE = frozenset(
    """z.b d.h u.a i.d.r i.v.m o.g u.u bzw vgl inkl exkl zzgl ggf evtl sog einschl tsd mrd
    p.ex sra dra ud uds sig dott avv dhr mevr bijv""".split()
)

# Not final where a number follows: "No. 5", but "I said no."
BEFORE_NUMBERS = frozenset(
    """no nos fig figs sec secs eq eqs p pp vol vols ch chap art arts para par ex app ver rev ed tab pt nr § c
    abs ziff kap anl tel env""".split()
)

# Final only where the next word is one that opens sentences: "in the U.S. The law", but "the U.S. Senate".
SOMETIMES_FINAL = frozenset(
    """etc inc ltd co corp llc plc bros dept univ assn est al a.m p.m am pm jr sr ph.d m.d b.a m.a b.sc m.sc ll.d
    u.s u.k u.n e.u u.s.a d.c st ave blvd rd mt ft jan feb mar apr jun jul aug sep sept oct nov dec
    mon tue tues wed thu thur thurs fri sat sun min max avg hr hrs yr yrs""".split()
)

# A day's number ends with a stop before them: "am 31. März".
GERMAN_MONTHS = frozenset("januar februar märz april mai juni juli august september oktober november dezember".split())

# After "am 3." and "u. a.", where any noun has a capital.
GERMAN_STARTERS = frozenset(
    """ab alle am auf aus bei beim bis da dann danach das der die dies diese dieser dieses ein eine er es falls für hier
    ihr im in jede jeder jedes mit nach sie sofern und vor wenn wer wir zu zum zur""".split()
)

SENTENCE_STARTERS = frozenset(
    """a after all also although an and another any as at because before both but by during each every finally first
    for from given he hence her here his how however i if in instead is it its last later many more most my
    neither never next no none not note now of on once one only or other our please see several she should
    since so some such that the their then there therefore these they this those though through thus to today
    two under unlike until use we what when where whether which while who why with within without yes yet you
    your""".split()
)
