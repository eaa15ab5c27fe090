"""Components say what they are given, escape it, and tie words to what they describe."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.paginator import Paginator
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation

from tests.look.styleguide import SampleForm


def component(name: str, /, **parameters: Any) -> str:
    """The component's HTML with every run of white space, also of non-breaking ones, made one space."""
    request = RequestFactory().get("/people", {"q": "mona", "page": "2"})
    return " ".join(render_to_string(f"components/{name}.html", parameters, request).split())


def test_icon_is_decoration() -> None:
    html = component("icon", name="check")

    assert 'aria-hidden="true"' in html
    assert "sr-only" not in html


def test_icon_alone_has_words() -> None:
    assert '<span class="sr-only">Close</span>' in component("icon", name="x", alt="Close")


def test_unknown_icon_is_an_error() -> None:
    with pytest.raises(TemplateDoesNotExist):
        component("icon", name="no-such-icon")


@pytest.mark.parametrize(("tone", "role"), [("error", "alert"), ("success", "status"), ("", "status")])
def test_flash_interrupts_only_for_errors(tone: str, role: str) -> None:
    assert f'role="{role}"' in component("flash", text="Said", tone=tone)


def test_text_is_escaped() -> None:
    assert "&lt;b&gt;" in component("flash", text="<b>")
    assert "&lt;b&gt;" in component("state_label", text="<b>")


def test_state_label_without_a_tone_is_neutral() -> None:
    assert "Tone--neutral" in component("state_label", text="Disconnected")


def test_saved_number_is_written_in_the_readers_way() -> None:
    with translation.override("fr"):
        html = component("saved_number", apart=12345, synced=10000, saved=2345)

    assert "<dd> 12 345 </dd>" in html
    assert "<dd> 2 345 </dd>" in html


def test_saved_number_is_drawn_to_scale_in_every_language() -> None:
    with translation.override("fr"):
        html = component("saved_number", apart=12345, synced=10000, saved=2345)

    assert 'viewBox="0 0 12345 8"' in html
    assert 'x="10000" y="0" width="2345"' in html


def test_saved_number_speaks_of_one_license() -> None:
    assert "1 license fewer" in component("saved_number", apart=2, synced=1, saved=1)


def test_chart_is_hidden_until_a_script_draws_it_from_escaped_numbers() -> None:
    html = component("chart", id="days", label="By day", chart={"from": "2026-03-02", "label": "</script>"})

    assert '<figure class="Chart" data-chart="days" data-label="By day" hidden></figure>' in html
    assert html.count("</script>") == 1
    assert '<script id="days" type="application/json">{"from": "2026-03-02",' in html


def test_stat_takes_words_instead_of_a_number() -> None:
    assert "unlimited" in component("stat", label="Seats", text="unlimited")


def test_stat_shows_zero() -> None:
    assert "> 0 </p>" in component("stat", label="Seats", value=0)


def test_progress_without_a_value_is_indeterminate() -> None:
    assert " value=" not in component("progress", label="Applying")


def test_progress_at_zero_is_determinate() -> None:
    assert 'value="0" max="7"' in component("progress", label="Received", value=0, max=7)


def test_steps_name_their_state_and_mark_the_current_one() -> None:
    html = component("steps", steps=[{"label": "Sent", "state": "done"}, {"label": "Received", "state": "current"}])

    assert "Done:" in html
    assert html.count('aria-current="step"') == 1


def test_field_ties_help_and_error_to_the_input() -> None:
    html = component("field", field=SampleForm({})["hostname"])

    assert 'aria-describedby="id_hostname_helptext id_hostname_error"' in html
    assert 'id="id_hostname_helptext"' in html
    assert 'id="id_hostname_error"' in html


def test_field_says_when_it_may_be_left_empty() -> None:
    assert "(optional)" in component("field", field=SampleForm()["note"])
    assert "(optional)" not in component("field", field=SampleForm()["hostname"])


def test_form_errors_count_the_fields() -> None:
    assert "5 fields need your attention." in component("form_errors", form=SampleForm({}))


def test_form_without_errors_shows_none() -> None:
    assert component("form_errors", form=SampleForm()) == ""


def test_dialog_is_also_a_page() -> None:
    html = component("dialog_confirm", id="off", url="/ask", button_text="Disable", title="Sure?", action="/do")

    assert 'href="/ask" data-dialog-open="off"' in html
    assert 'aria-labelledby="off-title"' in html
    assert "csrfmiddlewaretoken" in html


def test_pagination_keeps_the_search() -> None:
    html = component("pagination", page=Paginator(range(100), 10).page(2))

    assert 'href="?q=mona&amp;page=3"' in html
    assert 'href="?q=mona&amp;page=1"' in html


def test_single_page_has_no_pagination() -> None:
    assert component("pagination", page=Paginator(range(5), 10).page(1)) == ""


@pytest.mark.parametrize("exact", [True, False])
def test_time_tells_the_hour_in_utc(exact: bool) -> None:
    html = component("time", at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC), exact=exact)

    assert 'title="2026-03-02 09:30 UTC"' in html
    assert 'datetime="2026-03-02T09:30:00+00:00"' in html


def test_dropdown_shows_what_is_chosen() -> None:
    options = [{"value": "on", "label": "Activé"}, {"value": "off", "label": "Désactivé"}]

    html = component("dropdown_select", action="/sync", name="sync", label="Sync", options=options, selected="off")

    assert '<option value="off" selected>Désactivé</option>' in html
    assert '<option value="on" >Activé</option>' in html


def test_table_without_rows_says_so() -> None:
    assert "No server yet." in component("table", caption="Servers", rows=[], empty="No server yet.")


def test_search_keeps_other_filters() -> None:
    html = component("search", label="Search", value="mona", keep=[{"name": "kind", "value": "cloud"}])

    assert '<input type="hidden" name="kind" value="cloud">' in html
