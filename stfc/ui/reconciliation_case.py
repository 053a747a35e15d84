"""One held charge in full: three figures side by side, reasons, history, classes and like decisions (PRODUCT 7)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from statistics import median
from typing import Any, Final

import plotly.graph_objects as go
import streamlit as st

from stfc.domain import text
from stfc.domain.competence import Competence
from stfc.domain.masking import mask_number
from stfc.services.ports import HoldDecision, HoldRow, LogLine
from stfc.services.queries import CallFilter, CallQuery, View
from stfc.ui import charts, competence, contract_past, labels, session, states, tables, tracking, url
from stfc.ui import format as fmt
from stfc.ui.style import palette
from stfc.ui.tables import Column

_MONTHS: Final = 12
_LEAST_MONTHS: Final = 3
_CENTAVO: Final = 10_000
_FURTHEST: Final = 6
_PRICES: Final = (
    Column("class", "Classe", 0),
    Column("calls", "Ligações", 0, unit="count"),
    Column("amount", "Summit", 0, show=fmt.money_cut, right=True),
    Column("ours", "Nossa", 0, show=fmt.money_cut, right=True),
    Column("more", "Diferença", 0, show=lambda one: fmt.signed_money(one // _CENTAVO), right=True),
)
_FURTHEST_COLUMNS: Final = (
    Column("started_at", "Início", 0, unit="moment"),
    Column("called", "Chamado", 0),
    Column("class", "Classe", 0),
    Column("duration", "Duração", 0, unit="seconds"),
    Column("amount", "Summit", 0, unit="micros"),
    Column("ours", "Nossa", 0, unit="micros"),
)


@dataclass(frozen=True)
class Figures:
    """What three sources say that the contract's month comes to. Amounts in micros; None where a source says nothing.

    ``declared_records`` and ``records`` count the file's records, those that were charged before among them;
    ``kept`` is the sum without these. ``ours`` and ``platform`` are centavos, of the same calls.
    """

    declared: int | None = None
    declared_records: int | None = None
    summed: int | None = None
    records: int | None = None
    kept: int | None = None
    dropped: int = 0
    ours: int | None = None
    platform: int | None = None


def figures(hold: HoldRow, log: Sequence[LogLine]) -> Figures:
    """The three figures from the last attempt's log; what the file declares is what it sums to, but for findings."""
    facts: dict[str, Mapping[str, Any]] = {line.event: line.facts for line in log}
    parsed, kept, rated = (facts.get(event, {}) for event in ("parsed", "amount", "rated"))
    declared: dict[str, int] = {}
    for difference in hold.differences:
        declared.setdefault(difference.figure, difference.declared)
    return Figures(
        declared=declared.get("amount_micros", parsed.get("amount_micros")),
        declared_records=declared.get("records", parsed.get("records")),
        summed=parsed.get("amount_micros"),
        records=parsed.get("records"),
        kept=kept.get("amount_micros"),
        dropped=facts.get("repeats", {}).get("dropped", 0),
        ours=rated.get("ours"),
        platform=rated.get("platform"),
    )


def show(hold: HoldRow) -> None:
    """The charge's card."""
    application = session.application()
    view = application.views.view(hold.competence)
    customer = tracking.names([hold.contract]).get(hold.contract, "")
    with st.container(border=True, gap="small", key="stfc_case"):
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
            name = f"{customer} · {hold.contract}" if customer else hold.contract
            st.header(f"{fmt.plain(name)} · {fmt.month(hold.competence)}", anchor=False, width="stretch")
            st.markdown(states.badge("held", hold.code), width="content")
        _figures(figures(hold, application.batches.log(hold.item)))
        st.markdown("  \n".join(f":violet[:material/pan_tool:] {line}" for line in reasons(hold)))
        charge = labels.WOULD_CHARGE.format(
            amount=fmt.money(hold.amount), calls=fmt.counted(hold.calls, "ligação", "ligações")
        )
        st.markdown(f":gray[{charge} {similar(hold.code, application.holds.decisions())}]")
        ways(hold.contract, hold.competence, hold.batch)
        _differing(view, hold)
        _history(view, hold)
        _classes(view, hold)


def reasons(hold: HoldRow) -> list[str]:
    """Every finding as a sentence with its code, escaped."""
    return [f"{fmt.plain(text.sentence(one.code, one.facts))} ({one.code})" for one in hold.findings]


# --- The three figures -----------------------------------------------------------------------------------------------


def _figures(found: Figures) -> None:
    three = (
        (labels.DECLARED, fmt.money_cut(found.declared), declared_words(found)),
        (labels.SUMMED, fmt.money_cut(found.summed), summed_words(found)),
        (labels.OURS, fmt.money(found.ours), ours_words(found)),
    )
    for place, (label, value, words) in zip(st.columns(3, gap="xsmall"), three, strict=True):
        with place.container(border=True, gap=None, height="stretch", key=f"stfc_figure_{label[:4].lower()}"):
            st.metric(label, value)
            st.caption(words)


def declared_words(found: Figures) -> str:
    """How many records the file declares."""
    if found.declared_records is None:
        return fmt.NOTHING
    return labels.DECLARED_OF.format(records=fmt.counted(found.declared_records, "registro", "registros"))


def summed_words(found: Figures) -> str:
    """By how much the sum differs from what was declared, and how many records were charged before."""
    if found.summed is None or found.declared is None:
        return fmt.NOTHING
    difference = (found.summed - found.declared) // 10_000
    said = labels.DIFFERS_BY.format(amount=fmt.signed_money(difference) if difference else fmt.money(0))
    if found.records == found.declared_records:
        return said
    return f"{fmt.counted(found.records or 0, 'registro', 'registros')}, {said}"


def ours_words(found: Figures) -> str:
    """By how much our rating differs from what the platform says."""
    if found.ours is None:
        return labels.NO_OURS
    if found.ours == found.platform or not found.platform:
        return labels.OURS_AGREES
    share = 100 * (found.ours - found.platform) / found.platform
    return labels.OURS_DIFFERS.format(share=fmt.signed(round(share, 1), 1, "%"))


# --- Where our rating differs ----------------------------------------------------------------------------------------


def by_price(calls: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The classes in which our rating differs from the platform's, the largest difference first, micros.

    ``calls``: class, amount, our_price; a call without a price of ours counts with nothing.
    """
    sums: dict[str, list[int]] = {}
    for call in calls:
        found = sums.setdefault(call["class"], [0, 0, 0])
        for place, value in enumerate((1, call["amount"], call["our_price"] or 0)):
            found[place] += value
    rows = [
        {
            "class": labels.CALL_CLASSES.get(name, name),
            "calls": count,
            "amount": said,
            "ours": ours,
            "more": ours - said,
        }
        for name, (count, said, ours) in sums.items()
        # The cut of a fraction at each call is no difference of the tariff.
        if abs(ours - said) >= _CENTAVO
    ]
    return sorted(rows, key=lambda row: -abs(row["more"]))


def furthest(calls: Iterable[Mapping[str, Any]], most: int) -> list[dict[str, Any]]:
    """The ``most`` calls whose two prices lie furthest apart, a centavo at least; numbers masked."""
    priced = ((abs((call["our_price"] or 0) - call["amount"]), call) for call in calls)
    far = nlargest(most, (one for one in priced if one[0] >= _CENTAVO), key=lambda one: one[0])
    return [
        {
            "started_at": call["started_at"],
            "called": mask_number(call["called"]),
            "class": labels.CALL_CLASSES.get(call["class"], call["class"]),
            "duration": call["duration"],
            "amount": call["amount"],
            "ours": call["our_price"],
        }
        for _, call in far
    ]


def _differing(view: View, hold: HoldRow) -> None:
    if not {finding.code for finding in hold.findings} & {"TAR-DIF", "TAR-SEM"}:
        return
    found = view.calls(CallQuery(contracts=(hold.contract,), limit=None)).table
    calls = found.select(["started_at", "called", "class", "duration", "amount", "our_price"]).to_pylist()
    if not (classes := by_price(calls)):
        return
    st.markdown(f"**{labels.PRICES_DIFFER}**")
    tables.small(classes, _PRICES, alt=labels.PRICES_DIFFER)
    tables.small(furthest(calls, _FURTHEST), _FURTHEST_COLUMNS, alt=labels.BY_CALL)


# --- History ---------------------------------------------------------------------------------------------------------


def past(view: View, hold: HoldRow) -> list[tuple[Competence, int]]:
    """What the contract was charged in the twelve months before, centavos, oldest first."""
    items = view.items(hold.contract).to_pylist()
    charged = {
        Competence.parse(item["competence"]): item["amount"]
        for item in items
        if item["outcome"] == "charged" and not item["reversed"]
    }
    return sorted((month, amount) for month, amount in charged.items() if month < hold.competence)


def _history(view: View, hold: HoldRow) -> None:
    before = past(view, hold)
    if not before:
        st.caption(labels.NO_HOLD_HISTORY)
        return
    usual = median(amount for _, amount in before)
    if len(before) >= _LEAST_MONTHS and usual and hold.amount > usual:
        times = labels.TIMES_USUAL.format(times=fmt.decimal(hold.amount / usual, 1), months=len(before))
        st.markdown(f"**{times}.**")
    st.plotly_chart(
        _chart([*before, (hold.competence, hold.amount)], usual),
        key=f"hold_history_{hold.hold}",
        theme=None,
        config={"displayModeBar": False, "scrollZoom": False, "locale": "en"},
        alt=labels.HOLD_HISTORY,
    )


def _chart(months: Sequence[tuple[Competence, int]], usual: float) -> go.Figure:
    colours = palette()
    names = [fmt.month_short(month) for month, _ in months]
    drawn = charts.bars(names, [amount / 100 for _, amount in months], unit="R$", height=150)
    tones = [colours.series[4]] * (len(months) - 1) + [colours.solid["violet"]]
    drawn.update_traces(marker_color=tones, width=0.6 if len(months) > 4 else 0.3)
    drawn.add_hline(
        usual / 100,
        line={"dash": "dot", "width": 1.5, "color": colours.gray_text},
        annotation={
            "text": labels.HOLD_MEDIAN.format(amount=fmt.money(round(usual))),
            "font": {"size": 11.5, "color": colours.gray_text},
        },
        annotation_position="top left",
    )
    return drawn


# --- Classes ---------------------------------------------------------------------------------------------------------


def _classes(view: View, hold: HoldRow) -> None:
    found = view.revenue_by_month(_MONTHS + 1, CallFilter(contracts=(hold.contract,))).to_pylist()
    listed = contract_past.by_class(found, hold.competence)
    if listed:
        columns = contract_past.CLASSES if contract_past.has_past(found, hold.competence) else contract_past.CLASSES[:3]
        tables.small(listed, columns, alt=labels.BY_CLASS)


# --- Like decisions, and ways out ------------------------------------------------------------------------------------


def similar(code: str, decisions: Sequence[HoldDecision]) -> str:
    """How charges held for the same reason were decided."""
    like = [one.released for one in decisions if one.code == code]
    if not like:
        return labels.SIMILAR_NONE.format(code=code)
    return labels.SIMILAR.format(
        code=code,
        released=fmt.counted(sum(like), *labels.RELEASED_NOUN),
        rejected=fmt.counted(len(like) - sum(like), *labels.REJECTED_NOUN),
    )


def ways(contract: str, month: Competence, batch: int) -> None:
    """Buttons that lead to the contract, its calls of the month and its log in the batch."""
    every = (
        (labels.TO_CONTRACT, ":material/contract:", labels.CONTRACTS, {"contrato": contract}),
        (labels.TO_CALLS, ":material/perm_phone_msg:", labels.CALLS, {"de_contrato": contract}),
        (labels.TO_LOG, ":material/monitoring:", labels.TRACKING, {"lote": str(batch), "contrato": contract}),
    )
    with st.container(horizontal=True, gap="small"):
        for words, icon, page, parameters in every:
            st.button(
                words,
                key=f"hold_way_{page.file}",
                type="tertiary",
                icon=icon,
                on_click=_go,
                args=(page, month, parameters),
            )


def _go(page: labels.PageLabels, month: Competence, parameters: Mapping[str, str]) -> None:
    competence.go(month)
    url.open_page(page, **parameters)
