"""A pupil's row: every reason in words, the own wish first, the nearest deadline, no ranking."""

import re
from dataclasses import replace
from datetime import date

import pytest

from schemas.rule import shipped_rules
from tests.reports.page import Page, Render, School
from tests.reports.records import answer, flag, scale_rule
from tests.reports.school import PULSE
from warehouse.school_data import AskingPupil, Before, Evidence, PastAnswer

LATE = PastAnswer("2026-V", 2, None)


def test_a_flag_id_made_from_the_pseudonym_is_not_printed(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    made = flag("rule.unsafe", "flag", "0123456789ab", flag_id="0123456789ab:rule.unsafe")
    assert "01234567" not in render_report(replace(data, pupil_flags=(made,)), codes)


def test_a_pupil_who_is_not_on_the_list_is_shown_in_words(
    fjordvik: School, render_report: Render
) -> None:
    text = Page(render_report(*fjordvik)).text
    assert "Ikke på kodelista Be den som fører kodelista, om å finne eleven." in text


def test_a_pupil_has_one_row_with_the_highest_level_and_all_reasons(
    fjordvik: School, render_report: Render
) -> None:
    data, _ = fjordvik
    both = (
        flag("rule.unsafe", "flag", evidence=(answer("safety", 2, 2),)),
        flag("rule.wants_talk", "prompt", evidence=(answer("wants_talk", 2, 1),)),
    )
    html = render_report(replace(data, pupil_flags=both, class_flags=()), {"psn-a": "K7M2"})
    text = Page(html).text
    assert html.count('<tr role="row" class="decision-row">') == 1
    row = text[text.index("Kode Nivå og frist") :]
    assert (
        row.index("Straks tir. 24. nov.") < row.index("Vil snakke") < row.index("Føler seg utrygg")
    )
    assert "man. 30. nov." not in row


def test_rows_stand_by_level_then_own_wish_then_code(
    fjordvik: School, render_report: Render
) -> None:
    data, _ = fjordvik
    flags = (
        flag("rule.new_pupil", "watch", "psn-1"),
        flag("rule.unsafe", "flag", "psn-2", evidence=(answer("safety", 1, 2),)),
        flag("rule.bullied_by_pupils", "prompt", "psn-3"),
        flag("rule.wants_talk", "prompt", "psn-4", evidence=(answer("wants_talk", 1, 1),)),
        flag("rule.wants_talk", "prompt", "psn-5", evidence=(answer("wants_talk", 1, 1),)),
    )
    codes = {"psn-1": "AAAA", "psn-2": "BBBB", "psn-3": "CCCC", "psn-4": "EEEE", "psn-5": "DDDD"}
    html = render_report(replace(data, pupil_flags=flags), codes)
    assert re.findall(r"Vurdering av (\w{4}):", html) == ["DDDD", "EEEE", "CCCC", "BBBB", "AAAA"]


def test_a_prompt_tells_where_a_flag_begins_and_where_a_prompt_does(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    often = flag("rule.bullied_by_pupils", "prompt", evidence=(answer("bullied_by_pupils", 4, 4),))
    text = Page(render_report(replace(data, pupil_flags=(often,)), codes)).text
    assert "Svarte «omtrent én gang i uka» på «Er du blitt mobbet av andre elever" in text
    assert "Grensa for flagg er «2–3 ganger i måneden»." in text
    assert "Det er akkurat på grensa for Straks." in text
    assert "akkurat på grensa for flagg" not in text
    oftener = replace(often, evidence=(answer("bullied_by_pupils", 5, 4),))
    text = Page(render_report(replace(data, pupil_flags=(oftener,)), codes)).text
    assert "Grensa for Straks er «omtrent én gang i uka»." in text


def test_a_watch_is_never_called_a_flag(fjordvik: School, render_report: Render) -> None:
    data, codes = fjordvik
    some = flag("rule.sometimes_alone", "watch", evidence=(answer("company_in_breaks", 3, 3),))
    html = render_report(replace(data, pupil_flags=(some,), class_flags=()), codes)
    reason = html.split('<div class="reason">')[1].split('class="trace"')[0]
    assert "Det er akkurat på grensa for å følge med." in reason
    assert "flagg." not in reason
    assert "gir flagg" not in html


def test_an_answer_that_fell_and_is_low_stands_once(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    low = replace(answer("thriving", 3, 3), before=Before("2026-V", 5))
    less = flag("rule.thriving_less", "watch", evidence=(replace(low, threshold=2), low))
    one = replace(data, pupil_flags=(less,), class_flags=(), indicators=())
    html = render_report(one, codes)
    text = Page(html).text
    assert text.count("Svarte «trives litt» på") == 1
    assert text.count("Det er to trinn lavere enn forrige gang.") == 1
    assert text.count("akkurat på grensa for å følge med") == 1
    assert html.count('<svg class="chart') == 1


def test_an_answer_at_the_limit_is_said_to_be_so(fjordvik: School, render_report: Render) -> None:
    data, codes = fjordvik
    at = flag("rule.unsafe", "flag", evidence=(answer("safety", 2, 2),))
    assert "akkurat på grensa for flagg" in render_report(replace(data, pupil_flags=(at,)), codes)


def test_earlier_answers_stand_in_words_with_their_wave(
    fjordvik: School, render_report: Render
) -> None:
    text = Page(render_report(*fjordvik)).text
    assert "Tidligere: «en sjelden gang» (Høst 2025), «2–3 ganger i måneden» (Vår 2026)." in text
    assert "Tidligere: «av og til» (Høst 2025), hoppet over (Vår 2026)." in text


def test_a_known_reason_says_since_when_beside_a_new_one(
    fjordvik: School, render_report: Render
) -> None:
    text = Page(render_report(*fjordvik)).text
    assert "Nytt: vil snakke med en voksen Kjent siden Vår 2026: blir mobbet" in text


def test_an_answer_shared_by_two_rules_stands_once_with_the_one_it_explains(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    low = (answer("safety", 1, 2),)
    flags = (
        flag("rule.new_pupil", "flag", evidence=(Evidence("register.new_pupil", 1, 1), *low)),
        flag("rule.unsafe", "flag", evidence=low),
    )
    text = Page(render_report(replace(data, pupil_flags=flags), codes)).text
    assert text.count("Svarte «aldri»") == 1
    assert "Føler seg utrygg. Svarte «aldri»" in text
    assert text.count("Ny elev. Eleven er ny i klassen og ga et svar") == 1


NEW_AT_FLAG = {
    "nb": "Ny elev. Eleven er ny i klassen og ga et svar som veier mer hos en ny elev. Det å være"
    " ny og det svaret er til sammen et flagg, og derfor er det en frist.",
    "nn": "Ny elev. Eleven er ny i klassen og gav eit svar som veg meir hos ein ny elev. Det å vere"
    " ny og det svaret er til saman eit flagg, og difor er det ein frist.",
    "en": "New pupil. The pupil is new in the class and gave an answer that weighs more for a new"
    " pupil. Being new and that answer are a flag together, and so there is a deadline.",
}
OFFER = {"nb": "ikke et faresignal", "nn": "ikkje eit faresignal", "en": "not a sign of trouble"}


@pytest.mark.parametrize("language", NEW_AT_FLAG)
@pytest.mark.parametrize("is_told_above", [True, False])
def test_a_new_pupil_with_a_deadline_is_told_why_there_is_one(
    fjordvik: School, render_report: Render, language: str, *, is_told_above: bool
) -> None:
    alone = (answer("company_in_breaks", 3, 3),)
    new = flag("rule.new_pupil", "flag", evidence=(Evidence("register.new_pupil", 1, 1), *alone))
    sometimes = flag("rule.sometimes_alone", "watch", evidence=alone)
    data = replace(
        fjordvik[0], class_flags=(), pupil_flags=(new, sometimes) if is_told_above else (new,)
    )
    text = Page(render_report(data, fjordvik[1], language=language)).text
    section = text[text.index("7B · ") :]
    table = section[: section.index("new_pupil@")]
    assert NEW_AT_FLAG[language] in table
    assert OFFER[language] not in table


def test_a_new_pupils_flag_that_waits_says_why_it_has_a_deadline(
    fjordvik: School, render_report: Render
) -> None:
    waits = AskingPupil(
        "psn-a", ("7B",), (("rule.new_pupil", 1),), (), 2, 0, date(2026, 11, 20),
        is_given_up=False, delivery="d1", row_no=2, flag_due=date(2026, 11, 30), is_prompt=False,
    )  # fmt: skip
    text = Page(render_report(replace(fjordvik[0], asking=(waits,)), fjordvik[1])).text
    assert NEW_AT_FLAG["nb"] in text[: text.index("Straks: ")]


def test_a_passed_deadline_is_said_in_words(fjordvik: School, render_report: Render) -> None:
    assert "fristen er ute" not in render_report(*fjordvik)
    assert "fristen er ute" in render_report(*fjordvik, issued_on=date(2026, 11, 25))


def test_being_new_is_an_offer_and_not_a_watch(fjordvik: School, render_report: Render) -> None:
    data, codes = fjordvik
    new = flag("rule.new_pupil", "watch", evidence=(Evidence("register.new_pupil", 1, 1),))
    text = Page(render_report(replace(data, pupil_flags=(new,), class_flags=()), codes)).text
    section = text[text.index("7B · 7. trinn") : text.index("Klassen, sammenlignet")]
    assert "Velkomst" in section
    assert "Følg med" not in section
    assert "Gjelder når eleven begynte, ikke et svar" in section
    assert "Tilby nye elever en velkomst" in text
    assert "supportgruppe" not in text


def test_a_scale_is_shown_as_its_score_and_its_limit(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    rule = scale_rule("wellbeing")
    low = flag("rule.unsafe", "flag", evidence=(Evidence("who5_v1.wellbeing", 44, 50),))
    low = replace(low, rule_id=rule.id)
    text = Page(
        render_report(replace(data, pupil_flags=(low,)), codes, rules=[*shipped_rules(), rule])
    ).text
    assert "Trivsel siste to uker (WHO-5): 44 på en skala fra 0 til 100." in text
    assert "Grensa for flagg er 50." in text


def test_an_item_whose_wording_is_not_shipped_is_named(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    rule = scale_rule("who5_1", 1)
    low = flag("rule.unsafe", "flag", evidence=(Evidence("who5_v1.who5_1", 1, 1),))
    low = replace(low, rule_id=rule.id)
    text = Page(
        render_report(replace(data, pupil_flags=(low,)), codes, rules=[*shipped_rules(), rule])
    ).text
    assert "Svarte «1» på «WHO-5 trivselsindeks, who5_1»" in text


def test_a_line_that_falls_is_bad_news_whichever_way_the_codes_run(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    worse = (
        flag("rule.bullied_by_pupils", "flag", evidence=(answer("bullied_by_pupils", 4, 3, LATE),)),
        flag("rule.unsafe", "flag", evidence=(answer("safety", 1, 2, LATE),)),
    )
    html = render_report(replace(data, pupil_flags=worse), codes)
    heights = [
        float(cy) for cy in re.findall(r'<circle class="\w+" cx="[\d.]+" cy="([\d.]+)"', html)
    ]
    assert len(heights) == 4
    assert heights[0] < heights[1]
    assert heights[2] < heights[3]


def test_a_mark_on_a_form_is_told_beside_the_flag_and_takes_nothing_from_it(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    first, *others = data.pupil_flags
    marked = replace(first, marks=("identical", "too_fast"))
    plain = Page(render_report(data, codes)).text
    told = Page(render_report(replace(data, pupil_flags=(marked, *others)), codes)).text
    for line in (
        "En annen i klassen har svart det samme på alt",
        "Sendt inn på under to sekunder per svar",
        "At et skjema er fylt ut slik, kan ha mange grunner, og svarene teller.",
        "Snakk med eleven uansett.",
    ):
        assert line not in plain
        assert told.count(line) == 1
        told = told.replace(line, "")
    assert " ".join(told.split()) == " ".join(plain.split())


FELL = Evidence("who5_v1.wellbeing", 44, 24, before=Before("2026-V", 76))


def test_a_fall_is_told_with_what_was_before(fjordvik: School, render_report: Render) -> None:
    data, codes = fjordvik
    fell = flag("rule.wellbeing_fell", "watch", evidence=(FELL,))
    nb, en = (
        Page(render_report(replace(data, pupil_flags=(fell,)), codes, language=language)).text
        for language in ("nb", "en")
    )
    assert (
        "44 på en skala fra 0 til 100. Forrige gang: 76 (Vår 2026). Grensa er et fall på 24." in nb
    )
    assert "Last time: 76 (Vår 2026). The limit is a fall of 24." in en
    assert "to eller tre med 24 eller mer av måleusikkerhet alene" in nb


def test_a_low_score_that_another_rule_has_told_still_says_that_it_fell(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    flags = (
        flag("rule.low_wellbeing", "watch", evidence=(replace(FELL, threshold=50, before=None),)),
        flag("rule.wellbeing_fell", "flag", evidence=(FELL, replace(FELL, threshold=50))),
    )
    text = Page(render_report(replace(data, pupil_flags=flags), codes)).text
    assert text.count("Grensa er et fall på 24.") == 1
    assert text.count("44 på en skala fra 0 til 100.") == 1
    assert text.count("Grensa for flagg er 50.") == 1


def test_what_else_is_true_of_an_answer_names_the_question(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    unsafe = flag("rule.unsafe", "flag", evidence=(answer("safety", 2, 2),))
    fell = flag("rule.wellbeing_fell", "flag", evidence=(FELL, answer("safety", 2, 2)))
    low = flag("rule.low_wellbeing", "watch", evidence=(replace(FELL, threshold=50, before=None),))
    text = Page(render_report(replace(data, pupil_flags=(unsafe, fell, low)), codes)).text
    assert text.count("Det er akkurat på grensa for flagg.") == 1
    assert "Om «Trivsel siste to uker (WHO-5)». Grensa for å følge med er 50." in text


def test_a_score_that_was_low_before_says_so(fjordvik: School, render_report: Render) -> None:
    data, codes = fjordvik
    twice = Evidence("who5_v1.wellbeing", 44, 50, before=Before("2026-V", 48))
    low = flag("rule.low_wellbeing", "flag", evidence=(twice,))
    text = Page(render_report(replace(data, pupil_flags=(low,)), codes)).text
    assert "Grensa for flagg er 50. Forrige gang: 48 (Vår 2026)." in text


def test_an_answer_that_fell_says_by_how_many_steps_and_keeps_its_chart(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    was = PastAnswer("2026-V", 5, None)
    thrived = replace(answer("thriving", 3, 2, was), before=Before("2026-V", 5))
    less = flag("rule.thriving_less", "watch", evidence=(thrived,))
    html = render_report(replace(data, pupil_flags=(less,)), codes)
    text = Page(html).text
    assert "Det er to trinn lavere enn forrige gang." in text
    assert "Tidligere: «trives svært godt» (Vår 2026)." in text
    assert html.count("<circle") > 1


def test_a_new_pupil_with_a_flag_counts_among_those_who_can_be_welcomed(
    fjordvik: School, render_report: Render
) -> None:
    new = (Evidence("register.new_pupil", 1, 1),)
    flags = (
        flag("rule.new_pupil", "watch", "psn-1", evidence=new),
        flag("rule.new_pupil", "flag", "psn-2", evidence=(*new, answer("safety", 1, 2))),
    )
    data = replace(fjordvik[0], class_flags=(), pupil_flags=flags)
    text = Page(render_report(data, fjordvik[1])).text
    assert text.count("To nye elever kan få et velkomsttilbud.") == 2


def test_reasons_from_several_surveys_say_which_one_each_is_of(
    fjordvik: School, render_report: Render
) -> None:
    flags = (
        flag("rule.nobody_in_breaks", "flag", survey_id="pulse",
             evidence=(answer("company_in_breaks", 2, 2),)),
        flag("rule.sometimes_alone", "watch", survey_id="core",
             evidence=(answer("company_in_breaks", 3, 3),)),
        flag("rule.new_pupil", "watch", survey_id="core",
             evidence=(Evidence("register.new_pupil", 1, 1),)),
    )  # fmt: skip
    data = replace(fjordvik[0], class_flags=(), pupil_flags=flags)
    surveys = {"pulse": PULSE, "core": PULSE.model_copy(update={"name": "Kjerne"})}
    text = Page(render_report(data, fjordvik[1], surveys=surveys)).text
    assert "Er mye alene i friminuttene (undersøkelsen «Klassepuls»). Svarte «sjelden»" in text
    assert "(undersøkelsen «Kjerne»). Svarte «" in text
    assert "Ny elev. Eleven er ny" in text
    one = replace(data, pupil_flags=flags[:1])
    assert "undersøkelsen «" not in Page(render_report(one, fjordvik[1], surveys=surveys)).text


def test_a_scale_rests_on_all_its_questions(fjordvik: School, render_report: Render) -> None:
    well = (Evidence("who5_v1.wellbeing", 28, 28),)
    low = flag("rule.low_wellbeing", "prompt", evidence=well)
    text = Page(render_report(replace(fjordvik[0], pupil_flags=(low,)), fjordvik[1])).text
    assert "Bygger på fem svar" in text
    lonely = Evidence("pisa_belonging_v1.lonely", 3, 3)
    both = (Evidence("pisa_belonging_v1.belonging", 2.0, 2.5), lonely)
    low = flag("rule.low_belonging", "watch", evidence=both[:1])
    outside = flag("rule.outside", "watch", evidence=both[1:])
    data = replace(fjordvik[0], pupil_flags=(low, outside))
    assert "Bygger på seks svar" in Page(render_report(data, fjordvik[1])).text


def test_a_moved_limit_stands_in_the_row_where_the_answer_was_told_above(
    fjordvik: School, render_report: Render
) -> None:
    shipped = {rule.id: rule for rule in shipped_rules()}["rule.low_belonging"]
    moved = shipped.model_copy(update={"id": "rule.own_belonging", "version": 1001})
    low = flag("rule.low_belonging", "watch",
               evidence=(Evidence("pisa_belonging_v1.belonging", 2.0, 2.5),))  # fmt: skip
    own = replace(low, flag_id="f00dcafe0002", rule_id=moved.id, rule_version=1001,
                  evidence=(Evidence("pisa_belonging_v1.belonging", 2.0, 2.8),))  # fmt: skip
    data = replace(fjordvik[0], pupil_flags=(low, own))
    text = Page(render_report(data, fjordvik[1], rules=[*shipped_rules(), moved])).text
    assert "Lavt er under 2,5" in text
    assert "Lavt er under 2,8" in text
