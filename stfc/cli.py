"""The command line: the same services for a terminal and for scripts (ARCHITECTURE, command line).

With ``--json`` one document goes to stdout; logs and sentences go to stderr. Exit 0 when done, 1 when refused or
failed, 2 for wrong usage.
"""

import asyncio
import getpass
import json
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TextIO, cast

import structlog
import typer

from stfc.domain import text
from stfc.domain.call import CallClass
from stfc.domain.competence import SAO_PAULO, Competence
from stfc.domain.correction import Remedy
from stfc.domain.forecast import BatchForecast
from stfc.domain.masking import mask_number
from stfc.domain.money import plain, plain_micros
from stfc.domain.parameter import RANGES, Parameter
from stfc.domain.plan import PlanVersion
from stfc.domain.rerating import Effect, Repriced, RerateTotals
from stfc.errors import (
    ImportRefusedError,
    InvalidInputError,
    NotPossibleError,
    PlansRefusedError,
    SettingsError,
    StfcError,
)
from stfc.services.backup import BackedUp, Restored
from stfc.services.health import ACTIONS, Diagnosis, Repaired
from stfc.services.months import Month
from stfc.services.ports import (
    Actor,
    Approval,
    AuditFilter,
    AuditLine,
    BatchSummary,
    CorrectionRow,
    ExportFormat,
    HoldRow,
    ItemRow,
    KeptMonth,
    LogLine,
    Observation,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
contracts_app = typer.Typer(no_args_is_help=True, help="Contratos e por que estão, ou não, na lista.")
batches_app = typer.Typer(no_args_is_help=True, help="Lotes de cobrança.")
plans_app = typer.Typer(no_args_is_help=True, help="Planos tarifários e suas versões.")
files_app = typer.Typer(no_args_is_help=True, help="Arquivos que a Summit corrigiu depois da cobrança.")
holds_app = typer.Typer(no_args_is_help=True, help="Cobranças retidas, que esperam a decisão de um gestor.")
months_app = typer.Typer(no_args_is_help=True, help="Competências: abertas, faturadas, fechadas.")
approvals_app = typer.Typer(no_args_is_help=True, help="Pedidos que outro gestor precisa confirmar.")
retention_app = typer.Typer(no_args_is_help=True, help="Retenção: eliminar ligações antigas de competências fechadas.")
parameters_app = typer.Typer(no_args_is_help=True, help="Parâmetros que se mudam com tudo em funcionamento.")
audit_app = typer.Typer(no_args_is_help=True, help="A auditoria: quem fez o quê, a quê, quando e por quê.")
simulator_app = typer.Typer(invoke_without_command=True, help="A plataforma Summit simulada, por HTTP.")
app.add_typer(contracts_app, name="contracts")
app.add_typer(batches_app, name="batches")
app.add_typer(plans_app, name="plans")
app.add_typer(files_app, name="files")
app.add_typer(holds_app, name="holds")
app.add_typer(months_app, name="competence")
app.add_typer(approvals_app, name="approvals")
app.add_typer(retention_app, name="retention")
app.add_typer(parameters_app, name="parameters")
app.add_typer(audit_app, name="audit")
app.add_typer(simulator_app, name="simulator")

# Typer shows no public name for the base of its usage errors.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])

AsJson = Annotated[bool, typer.Option("--json", help="Um documento JSON na saída padrão.")]
MonthArgument = Annotated[str, typer.Argument(metavar="COMPETÊNCIA", help="Competência, como 2026-10.")]
OptionalMonth = Annotated[str | None, typer.Option("--competence", help="Só desta competência, como 2026-10.")]
BatchNumber = Annotated[int, typer.Argument(min=1, max=2**63 - 1, metavar="LOTE", help="Número do lote.")]
CompetenceText = Annotated[str, typer.Option("--competence", help="Competência, como 2026-10.")]


def main() -> None:
    """Run the command line; every known error becomes a sentence, every exit code has its meaning."""
    _configure_logs()
    as_json = "--json" in sys.argv
    try:
        status = app(standalone_mode=False)
    except _UsageError as error:
        _fail("USO-CLI", error.format_message(), as_json, error.show, 2)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except ImportRefusedError as error:
        problems = [vars(problem) for problem in error.facts["problems"]]
        for problem in error.facts["problems"] if not as_json else ():
            typer.echo(f"{problem.file}:{problem.line}: {problem.column}: {problem.cause}", err=True)
        _fail(error.code, text.error(error), as_json, None, 1, {"problems": problems})
    except PlansRefusedError as error:
        for problem in error.facts["problems"] if not as_json else ():
            typer.echo(text.plan_problem(problem), err=True)
        problems = [vars(problem) for problem in error.facts["problems"]]
        _fail(error.code, text.error(error), as_json, None, 1, {"problems": problems})
    except StfcError as error:
        _fail(error.code, text.error(error), as_json, None, 2 if isinstance(error, InvalidInputError) else 1)
    else:
        # A command that ended by ``typer.Exit`` gives its code here.
        sys.exit(status if isinstance(status, int) else 0)


def _fail(
    code: str,
    message: str,
    as_json: bool,
    show: Callable[[], object] | None,
    status: int,
    more: Mapping[str, Any] | None = None,
) -> None:
    if as_json:
        typer.echo(json.dumps({"error": {"code": code, "message": message, **(more or {})}}, ensure_ascii=False))
    if show:
        show()
    else:
        typer.echo(message, err=True)
    sys.exit(status)


def _configure_logs() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _trace,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _LogStream())),
    )


def _trace(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Where a defect came from, and never its message, which may quote what stood in a file: a number for example."""
    if isinstance(error := event.pop("exc_info", None), BaseException):
        head, places = "Traceback (most recent call last):\n", traceback.format_tb(error.__traceback__)
        event["exception"] = "".join((head, *places, type(error).__name__))
    return event


class _LogStream:
    """stderr for log lines: one that cannot be written, on a disk that is full, stops nobody's work."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def _bootstrap() -> Any:
    # Imported on use: the engines behind it take most of a second that --help and usage errors need not pay.
    from stfc import bootstrap

    return bootstrap


def _application() -> Any:
    return _bootstrap().from_environment()


def _actor(settings: Any) -> Actor:
    return Actor(settings.user or getpass.getuser(), settings.role or "operator", "terminal")


def _answer(document: Any, as_json: bool, lines: Sequence[str]) -> None:
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False))
    else:
        for line in lines:
            typer.echo(line)


# --- Long-running ones ---------------------------------------------------------------------------------------------


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Porta da aplicação.")] = 8501,
    contracts: Annotated[int, typer.Option(min=1, max=100_000, help="Contratos do ERP simulado.")] = 1500,
    months: Annotated[int, typer.Option(min=1, max=60, help="Meses de história.")] = 12,
) -> None:
    """Sobe a demonstração inteira: simulador, processador e aplicação. Ctrl-C encerra tudo."""
    from stfc import demo as demonstration

    demonstration.run(_bootstrap().settings().home, port=port, contracts=contracts, months=months)


@app.command("app")
def run_app(
    port: Annotated[int, typer.Option(help="Porta; 0 escolhe uma livre.")] = 8501,
    address: Annotated[str, typer.Option(help="Endereço em que escuta.")] = "127.0.0.1",
) -> None:
    """Serve as telas no navegador."""
    from stfc import demo as demonstration

    application = _application()
    settings = application.settings
    has_login = settings.login is not None
    sys.exit(demonstration.serve_app(settings.home, port=port, address=address, has_login=has_login))


@app.command()
def worker(
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Encerra quando não há mais o que fazer.")] = False,
) -> None:
    """Processa os lotes: busca os arquivos, importa as ligações e cobra."""
    application = _application()
    application.gateway()
    _step_back()
    _run_worker(application.worker(), until_idle=until_idle, ready=f"worker ready {application.database.place}")


def _step_back() -> None:
    """Let screens on the same machine go first: a batch lasts minutes, a person waits for a page."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, os.getpid(), max(10, os.getpriority(os.PRIO_PROCESS, os.getpid())))


def _run_worker(worker: Any, *, until_idle: bool, batch: int | None = None, ready: str = "") -> bool:
    """Run a worker that SIGTERM and Ctrl-C stop cleanly: what it holds goes back to the queue at once.

    Tells whether it was stopped so. ``ready`` is the line that says that it may be stopped so from now on.
    """
    stopped: list[int] = []

    def stop(number: int, _frame: object) -> None:
        stopped.append(number)
        worker.stop()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with _bootstrap().loaded_spared():
            if ready:
                typer.echo(ready, err=True)
            worker.run(until_idle=until_idle, batch=batch)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return bool(stopped)


@simulator_app.callback(invoke_without_command=True)
def simulator(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Porta; 0 escolhe uma livre.")] = 8600,
    seed: Annotated[int, typer.Option(help="Semente do tráfego.")] = 1,
    erp: Annotated[Path | None, typer.Option(help="Pasta de uma carga do ERP, de onde vêm contratos e linhas.")] = None,
    contracts: Annotated[int, typer.Option(min=1, help="Contratos, quando não há --erp.")] = 1500,
    token: Annotated[str, typer.Option(help="Token exigido; vazio, qualquer um.", envvar="STFC_SUMMIT_TOKEN")] = "",
    fault: Annotated[list[str] | None, typer.Option(help="Falha TIPO=TAXA; pode repetir.")] = None,
    fault_seed: Annotated[int, typer.Option(help="Semente das falhas.")] = 0,
    latency: Annotated[int, typer.Option(min=0, help="Latência de cada resposta, em ms.")] = 0,
    calls: Annotated[int | None, typer.Option(min=0, help="Ligações por contrato, sempre tantas.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Dia da plataforma, AAAA-MM-DD; hoje, se ausente.")] = None,
    unknown: Annotated[float, typer.Option(min=0, max=1, help="Parte dos contratos que a plataforma não conhece.")] = 0,
    clean: Annotated[bool, typer.Option("--clean", help="Sem divergências plantadas.")] = False,
) -> None:
    """Fala toda a SUMMIT_API por HTTP, com tráfego determinado pela semente."""
    if context.invoked_subcommand:
        return
    _bootstrap().simulate(
        port=port,
        token=token or None,
        erp=erp,
        contracts=contracts,
        as_of=as_of,
        traffic={"seed": seed, "clean": clean, "calls_per_contract": calls, "unknown": unknown},
        latency_ms=latency,
        faults=tuple(fault or ()),
        fault_seed=fault_seed,
    )


@simulator_app.command("dump")
def simulator_dump(
    folder: Annotated[Path, typer.Argument(help="Pasta de destino.")],
    contracts: Annotated[int, typer.Option(min=1, help="Contratos.")] = 1500,
    seed: Annotated[int, typer.Option(help="Semente.")] = 1,
    months: Annotated[int, typer.Option(min=1, max=120, help="Meses de história.")] = 12,
    until: Annotated[str | None, typer.Option(help="Última competência; a anterior à de hoje, se ausente.")] = None,
    clean: Annotated[bool, typer.Option("--clean", help="Sem casos plantados.")] = False,
    as_json: AsJson = False,
) -> None:
    """Grava a carga do ERP que combina com o tráfego do simulador."""
    last = Competence.parse(until) if until else Competence.of(datetime.now(SAO_PAULO).date()).plus(-1)
    rows = _bootstrap().dump_erp(folder, contracts=contracts, seed=seed, months=months, until=last, clean=clean)
    _answer({"folder": str(folder), "rows": rows}, as_json, [f"{name}: {count}" for name, count in rows.items()])


# --- ERP and contracts ---------------------------------------------------------------------------------------------


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(help="Pasta com as tabelas do ERP, CSV ou Parquet.")],
    as_json: AsJson = False,
) -> None:
    """Importa uma carga do ERP: valida tudo e troca a anterior de uma vez, ou não muda nada."""
    application = _application()
    done = application.importing.run(folder, _actor(application.settings))
    document = {
        "snapshot": done.snapshot,
        "rows": done.rows,
        "seconds": done.seconds,
        "warnings": [vars(warning) for warning in done.warnings],
    }
    lines = [f"{name}: {count}" for name, count in done.rows.items()]
    lines += [f"aviso: {w.file}:{w.line}: {w.column}: {w.cause}" for w in done.warnings[:20]]
    _answer(document, as_json, [f"Importação {done.snapshot} em {done.seconds} s", *lines])


@contracts_app.command("list")
def contracts_list(
    competence: CompetenceText,
    eligible: Annotated[bool, typer.Option("--eligible", help="Só os que estão na lista.")] = False,
    search: Annotated[str, typer.Option(help="Número, cliente, documento ou linha.")] = "",
    as_json: AsJson = False,
) -> None:
    """Contratos com serviço Summit na competência."""
    from stfc.services.queries import ContractQuery

    month = Competence.parse(competence)
    view = _application().views.view(month)
    query = ContractQuery(search=search, eligible=True if eligible else None, limit=None)
    page = view.contracts(query)
    names = ["contract", "customer", "stage", "status", "eligible", "cautions"]
    rows = page.table.select(names).rename_columns([*names[:-1], "warnings"]).to_pylist()
    lines = [
        f"{row['contract']:>10}  {text.STAGES[row['stage']]:<14} {text.STATUSES[row['status']]:<22} "
        f"{'na lista' if row['eligible'] else 'fora    '}  {row['customer']}"
        for row in rows
    ]
    document = {"competence": str(month), "total": page.total, "contracts": rows}
    _answer(document, as_json, [*lines, f"{page.total} contratos em {text.month(month)}"])


@contracts_app.command("explain")
def contracts_explain(
    contract: Annotated[str, typer.Argument(help="Número do contrato.")],
    competence: CompetenceText,
    as_json: AsJson = False,
) -> None:
    """Por que o contrato está, ou não, na lista da competência: as oito regras com a evidência."""
    month = Competence.parse(competence)
    verdicts = _application().views.view(month).explain(contract)
    rules = [
        {
            "number": verdict.rule.number,
            "name": verdict.rule.key,
            "holds": verdict.holds,
            "reason": text.rule_reason(verdict),
            "evidence": verdict.evidence,
        }
        for verdict in verdicts.rules
    ]
    document = {
        "contract": contract,
        "competence": str(month),
        "eligible": verdicts.eligible,
        "rules": rules,
        "warnings": [warning.value for warning in verdicts.warnings],
    }
    lines = [f"{r['number']} {'sim' if r['holds'] else 'NÃO'}  {text.RULES[r['name']]}: {r['reason']}" for r in rules]
    lines += [f"aviso: {text.CAUTIONS[warning.value]}" for warning in verdicts.warnings]
    verdict = "está na lista" if verdicts.eligible else "não está na lista"
    _answer(document, as_json, [f"{contract} {verdict} de {text.month(month)}", *lines])


@app.command()
def indicators(competence: CompetenceText, as_json: AsJson = False) -> None:
    """Novos Assinantes, Erro na Integração e Não Faturados, com a decomposição."""
    figures = _application().views.view(Competence.parse(competence)).indicators()
    names = {"new_subscribers": "Novos Assinantes", "integration_errors": "Erro na Integração"}
    names |= {"not_invoiced": "Não Faturados", "eligible": "Na lista"}
    lines = [f"{label}: {figures[key]}" for key, label in names.items()]
    by_rule = figures["not_invoiced_by_rule"].items()
    lines += [f"  fora da lista, {text.RULES[rule]}: {count}" for rule, count in by_rule if count]
    _answer(figures, as_json, lines)


# --- Tariff plans --------------------------------------------------------------------------------------------------


@plans_app.command("import")
def plans_import(
    file: Annotated[Path, typer.Argument(help="Arquivo TOML com os planos.")],
    as_json: AsJson = False,
) -> None:
    """Importa planos tarifários: todos ou nenhum. O mesmo arquivo outra vez não muda nada."""
    try:
        content = file.read_bytes()
    except OSError as cause:
        raise InvalidInputError(field="file", value=str(file), cause="file", reason=cause.strerror) from cause
    application = _application()
    _answer_plans(application.plans.import_(content, _actor(application.settings)), as_json)


@plans_app.command("list")
def plans_list(as_json: AsJson = False) -> None:
    """As versões de todos os planos, por código e vigência."""
    _answer_plans([row.version for row in _application().plans.rows()], as_json)


def _answer_plans(versions: Sequence[PlanVersion], as_json: bool) -> None:
    document = [
        {"code": one.code, "name": one.name, "valid_from": one.valid_from.isoformat(), "mode": one.mode.value}
        for one in versions
    ]
    lines = [
        f"{one.code:<20} desde {text.day(one.valid_from)}  {text.MODES[one.mode]:<25}  {one.name}" for one in versions
    ]
    _answer({"plans": document}, as_json, lines or ["Nenhum plano importado."])


# --- Billing -------------------------------------------------------------------------------------------------------


@app.command()
def bill(
    competence: CompetenceText,
    all_: Annotated[bool, typer.Option("--all", help="Todos os que estão na lista.")] = False,
    contract: Annotated[list[str] | None, typer.Option(help="Um contrato; pode repetir.")] = None,
    contracts: Annotated[Path | None, typer.Option(help="Arquivo com um contrato por linha.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Só mostra o que viria; não abre lote.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Espera o lote terminar.")] = False,
    as_json: AsJson = False,
) -> None:
    """Gera a cobrança da competência: abre um lote e volta, ou espera por ele com --wait."""
    month = Competence.parse(competence)
    chosen = _chosen(all_, contract, contracts)
    application = _application()
    actor = _actor(application.settings)
    if preview:
        _preview(application, month, chosen, as_json)
        return
    application.gateway()
    opened = application.billing.open(month, chosen, actor)
    document: dict[str, Any] = {
        "batch": opened.batch,
        "items": opened.items,
        "refused": [{"contract": c, "rule": rule} for c, rule in opened.refused.items()],
    }
    lines = [f"{c}: recusado, {text.RULES[rule]}" for c, rule in opened.refused.items()]
    if opened.batch is None:
        _answer(document, as_json, [*lines, "Nada a cobrar."])
        return
    if wait:
        _wait(application, opened.batch)
        summary = application.batches.show(opened.batch)
        document |= _batch_document(application, summary)
        lines += _batch_lines(summary)
    else:
        lines.append(f"Lote {opened.batch} aberto com {opened.items} contratos.")
    if not wait or summary.status != "paused":
        _answer(document, as_json, lines)
        return
    paused = NotPossibleError(cause="platform_down", batch=opened.batch, code=summary.pause_code)
    message = text.error(paused)
    _answer(document | {"error": {"code": paused.code, "message": message}}, as_json, lines)
    typer.echo(message, err=True)
    raise typer.Exit(1)


@app.command()
def rerate(
    competence: MonthArgument,
    contract: Annotated[list[str] | None, typer.Option(help="Só estes contratos; repita.")] = None,
    plan: Annotated[str | None, typer.Option(help="Só contratos deste plano: código ou versão.")] = None,
    apply_: Annotated[bool, typer.Option("--apply", help="Estorna e cobra de novo; pede o papel gestor.")] = False,
    reason: Annotated[str, typer.Option(help="Motivo da retarifação; fica na auditoria.")] = "",
    as_json: AsJson = False,
) -> None:
    """Tarifa de novo, pelos planos de agora, o que já foi cobrado e não faturado: prévia ou, com --apply, o ato."""
    month = Competence.parse(competence)
    application = _application()
    if apply_:
        actor = _actor(application.settings)
        done = application.rerating.apply(month, actor, reason=reason, contracts=contract, plan=plan)
        document = {
            "batch": done.batch,
            **_rerate_totals(done.totals),
            "passed": list(done.passed),
            "refused": [_repriced_document(one) for one in done.refused],
        }
        _answer({"competence": str(month), **document}, as_json, [text.rerated(done.batch, done.totals)])
        return
    found = application.rerating.preview(month, contracts=contract, plan=plan)
    document = {
        "competence": str(month),
        **_rerate_totals(found.changes),
        "effects": {effect.value: len(found.of(effect)) for effect in Effect},
        "changes": [_repriced_document(one) for one in found.contracts if one.effect is not Effect.UNCHANGED],
    }
    lines = [_repriced_line(one) for one in found.contracts if one.effect is not Effect.UNCHANGED]
    _answer(document, as_json, [*lines, text.rerate_sum(found.changes)])


def _rerate_totals(sums: RerateTotals) -> dict[str, Any]:
    money = {"charged": plain(sums.charged), "amount": plain(sums.amount), "difference": plain(sums.difference)}
    return {"contracts": sums.contracts, "calls": sums.calls, **money}


def _repriced_document(one: Repriced) -> dict[str, Any]:
    return {
        "contract": one.contract,
        "effect": one.effect.value,
        "mode": one.mode and one.mode.value,
        "charged": plain(one.charged),
        "amount": plain(one.amount),
        "difference": plain(one.difference),
        "calls": one.changed_calls,
        "outcome_before": one.was.value,
        "outcome": one.becomes.value,
        "plans_before": sorted(one.before),
        "plans": sorted(one.after),
        "refusal": one.refusal if one.effect is Effect.REFUSED else None,
        "note": text.rerate_note(one),
    }


def _repriced_line(one: Repriced) -> str:
    money = "  ".join(f"{text.reais(plain(amount)):>14}" for amount in (one.charged, one.amount, one.difference))
    said = f"{text.EFFECTS[one.effect]}  {text.rerate_note(one)}"
    return f"{one.contract:>10}  {money}  {one.changed_calls:>6} ligações  {said}"


def _chosen(all_: bool, contract: list[str] | None, contracts: Path | None) -> list[str] | None:
    if sum((all_, bool(contract), contracts is not None)) != 1:
        raise typer.BadParameter("escolha um de --all, --contract ou --contracts")
    if all_:
        return None
    if contract:
        return contract
    assert contracts is not None
    try:
        lines = contracts.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as cause:
        raise InvalidInputError(field="contracts", value=str(contracts), cause="file", reason=str(cause)) from cause
    chosen = [line.strip() for line in lines if line.strip()]
    if not chosen:
        raise InvalidInputError(field="contracts", value=str(contracts), cause="empty")
    return chosen


def _preview(application: Any, month: Competence, chosen: list[str] | None, as_json: bool) -> None:
    contracts = application.views.eligible(month) if chosen is None else chosen
    found = application.billing.preview(month, contracts)
    document = {
        "competence": str(month),
        "contracts": found.contracts,
        "expected_calls": found.expected_calls,
        "expected_amount": plain(found.expected_amount),
        "expected_low": plain(found.expected_low),
        "expected_high": plain(found.expected_high),
        "from_platform": found.from_platform,
        "from_history": found.from_history,
        "warnings": dict(found.warnings),
        "surprises": [
            {"contract": s.contract, "expected": plain(s.expected), "usual": plain(s.usual), "outside": s.is_outside}
            for s in found.surprises
        ],
    }
    lines = [
        f"{found.contracts} contratos em {text.month(month)}: cerca de {text.reais(plain(found.expected_amount))}, "
        f"{found.expected_calls} ligações",
        f"entre {text.reais(plain(found.expected_low))} e {text.reais(plain(found.expected_high))}",
        f"{found.from_platform} pela Summit, {found.from_history} pelo histórico, "
        f"{found.contracts - len(found.forecasts)} sem histórico",
        *(f"aviso: {text.CAUTIONS[name]}: {count}" for name, count in found.warnings.items()),
    ]
    _answer(document, as_json, lines)


def _wait(application: Any, batch: int) -> None:
    """Wait until no item waits or runs, working the batch in this process when no worker is alive."""
    while True:
        summary = application.batches.show(batch)
        if summary.status in ("done", "cancelled", "paused"):
            return
        if application.work.workers(application.clock()):
            time.sleep(0.2)
            continue
        if _run_worker(application.worker(), until_idle=True, batch=batch):
            raise KeyboardInterrupt


@batches_app.command("list")
def batches_list(as_json: AsJson = False) -> None:
    """Lotes, do mais novo ao mais antigo."""
    summaries = _application().batches.newest()
    document = {"batches": [_summary_document(summary) for summary in summaries]}
    _answer(document, as_json, [line for summary in summaries for line in _batch_lines(summary)])


@batches_app.command("show")
def batches_show(batch: BatchNumber, as_json: AsJson = False) -> None:
    """Um lote, com cada contrato e o log dele."""
    application = _application()
    summary = application.batches.show(batch)
    document = _batch_document(application, summary)
    lines = _batch_lines(summary)
    for item in document["items"] if not as_json else ():
        lines.append(f"  {item['contract']}  {text.OUTCOMES[item['outcome']]}  {item['message']}")
    _answer(document, as_json, lines)


@batches_app.command("retry")
def batches_retry(
    batch: BatchNumber,
    code: Annotated[list[str] | None, typer.Option(help="Só o que tem este código; pode repetir.")] = None,
    contract: Annotated[list[str] | None, typer.Option(help="Só este contrato; pode repetir.")] = None,
    as_json: AsJson = False,
) -> None:
    """Põe de novo na fila o que falhou ou espera arquivo: tudo, por código ou só alguns contratos."""
    application = _application()
    actor = _actor(application.settings)
    count = application.billing.retry(batch, actor, codes=code or (), contracts=contract or None)
    _answer({"batch": batch, "retried": count}, as_json, [f"{count} contratos de volta à fila."])


@batches_app.command("cancel")
def batches_cancel(batch: BatchNumber, as_json: AsJson = False) -> None:
    """Cancela o que ainda não começou."""
    application = _application()
    count = application.billing.cancel(batch, _actor(application.settings))
    _answer({"batch": batch, "cancelled": count}, as_json, [f"{count} contratos cancelados."])


@batches_app.command("reverse")
def batches_reverse(
    batch: BatchNumber,
    reason: Annotated[str, typer.Option(help="Motivo do estorno; fica na auditoria.")],
    contract: Annotated[list[str] | None, typer.Option(help="Só este contrato; pode repetir.")] = None,
    as_json: AsJson = False,
) -> None:
    """Estorna o que o lote cobrou, enquanto o valor não estiver faturado."""
    application = _application()
    actor = _actor(application.settings)
    count = application.billing.reverse(batch, actor, reason=reason, contracts=contract or None)
    _answer({"batch": batch, "reversed": count}, as_json, [f"{count} cobranças estornadas."])


def _summary_document(summary: BatchSummary) -> dict[str, Any]:
    seconds = round(summary.spent(datetime.now(SAO_PAULO)).total_seconds(), 3)
    return {
        "batch": summary.batch,
        "competence": str(summary.competence),
        "snapshot": summary.snapshot,
        "status": summary.status,
        "outcomes": dict(summary.outcomes),
        "amount": plain(summary.amount),
        "calls": summary.calls,
        "seconds": seconds,
        "forecast": _forecast_document(summary.forecast),
    }


def _forecast_document(forecast: BatchForecast | None) -> dict[str, Any] | None:
    if forecast is None:
        return None
    return {
        "expected": plain(forecast.value),
        "expected_low": plain(forecast.low),
        "expected_high": plain(forecast.high),
        "contracts": forecast.contracts,
        "settled": forecast.settled,
        "settled_expected": plain(forecast.settled_expected),
        "settled_amount": plain(forecast.settled_amount),
        "difference": plain(forecast.difference),
        "within_range": forecast.within,
    }


def _batch_document(application: Any, summary: BatchSummary) -> dict[str, Any]:
    _, items = application.batches.items(summary.batch)
    logs = application.batches.logs(summary.batch)
    return _summary_document(summary) | {"items": [_item_document(item, logs.get(item.item, [])) for item in items]}


def _item_document(item: ItemRow, log: Sequence[LogLine]) -> dict[str, Any]:
    return {
        "contract": item.contract,
        "outcome": item.outcome,
        "amount": None if item.amount is None else plain(item.amount),
        "expected": None if item.expected is None else plain(item.expected),
        "expected_low": None if item.expected_low is None else plain(item.expected_low),
        "expected_high": None if item.expected_high is None else plain(item.expected_high),
        "calls": item.calls,
        "code": item.code,
        "message": text.item(item),
        "attempts": item.attempts,
        "reversed": item.reversed,
        "log": [{"at": _local(line.at), "step": text.STEPS[line.step], "message": text.log(line)} for line in log],
    }


def _batch_lines(summary: BatchSummary) -> list[str]:
    counts = ", ".join(f"{text.OUTCOMES[name].lower()} {count}" for name, count in summary.outcomes.items() if count)
    status = text.BATCH_STATUSES[summary.status] + (f" ({summary.pause_code})" if summary.pause_code else "")
    return [
        f"Lote {summary.batch}  {text.month(summary.competence)}  {status}  "
        f"{text.reais(plain(summary.amount))}  {summary.calls} ligações  {counts}",
        *(f"  {part}" for part in (text.hindsight(summary.forecast, summary.items) if summary.forecast else ())),
    ]


def _local(at: datetime) -> str:
    return at.astimezone(SAO_PAULO).isoformat(timespec="milliseconds")


# --- Held charges --------------------------------------------------------------------------------------------------

HoldNumbers = Annotated[list[int], typer.Argument(min=1, max=2**63 - 1, metavar="ID…", help="Números de “holds list”.")]
DecisionReason = Annotated[str, typer.Option("--reason", help="Motivo da decisão; fica na auditoria.")]


@holds_app.command("list")
def holds_list(as_json: AsJson = False) -> None:
    """O que espera decisão, do maior valor em risco ao menor."""
    found = _application().holds.pending()
    _answer(_holds_document(found), as_json, [*map(_hold_line, found), _risk_line(found)])


@holds_app.command("release")
def holds_release(holds: HoldNumbers, reason: DecisionReason, as_json: AsJson = False) -> None:
    """Libera: as cobranças valem e os valores eventuais vão ao ERP. Todas ou nenhuma; pede o papel gestor."""
    application = _application()
    decided = application.holds.release(holds, _actor(application.settings), reason=reason)
    _decided(application, "released", "liberadas", decided, as_json)


@holds_app.command("reject")
def holds_reject(holds: HoldNumbers, reason: DecisionReason, as_json: AsJson = False) -> None:
    """Rejeita: nada é cobrado e os contratos voltam à lista. Todas ou nenhuma; pede o papel gestor."""
    application = _application()
    decided = application.holds.reject(holds, _actor(application.settings), reason=reason)
    _decided(application, "rejected", "rejeitadas", decided, as_json)


def _decided(application: Any, key: str, word: str, decided: Sequence[HoldRow], as_json: bool) -> None:
    left = application.holds.pending()
    document = {key: [hold.hold for hold in decided], **_holds_document(left)}
    amount = text.reais(plain(sum(hold.amount for hold in decided)))
    _answer(document, as_json, [f"{len(decided)} cobranças {word}, {amount}.", _risk_line(left)])


def _holds_document(holds: Sequence[HoldRow]) -> dict[str, Any]:
    rows = [
        {
            "id": hold.hold,
            "contract": hold.contract,
            "competence": str(hold.competence),
            "batch": hold.batch,
            "amount": plain(hold.amount),
            "code": hold.code,
            "reason": text.hold_reason(hold.findings),
        }
        for hold in holds
    ]
    return {"holds": rows}


def _hold_line(hold: HoldRow) -> str:
    return (
        f"{hold.hold:>6}  {hold.contract:>10}  {text.month(hold.competence)}  lote {hold.batch:<5} "
        f"{text.reais(plain(hold.amount)):>14}  {text.hold_reason(hold.findings)}"
    )


def _risk_line(holds: Sequence[HoldRow]) -> str:
    return f"{len(holds)} cobranças retidas, {text.reais(plain(sum(hold.amount for hold in holds)))} em risco"


# --- Corrected files -----------------------------------------------------------------------------------------------


@files_app.command("check")
def files_check(competence: MonthArgument, as_json: AsJson = False) -> None:
    """Consulta a listagem da Summit e anota que arquivos de contratos já cobrados mudaram; nada muda por si."""
    application = _application()
    found = application.corrected_files.check(Competence.parse(competence), _actor(application.settings))
    document = {"competence": str(found.competence), "listed": found.listed, "noticed": found.noticed}
    said = text.files_checked(found.competence, found.listed, found.noticed)
    lines = [said, *map(_correction_line, found.pending)]
    _answer({**document, **_corrections_document(found.pending)}, as_json, lines)


@files_app.command("list")
def files_list(competence: OptionalMonth = None, as_json: AsJson = False) -> None:
    """Os arquivos corrigidos que esperam decisão."""
    found = _application().corrected_files.pending(Competence.parse(competence) if competence else None)
    _answer(_corrections_document(found), as_json, list(map(_correction_line, found)))


CorrectionNumber = Annotated[int, typer.Argument(min=1, max=2**63 - 1, metavar="ID", help="Número de “files list”.")]
RemedyOption = Annotated[
    Remedy,
    typer.Option(
        "--how",
        help="charge-again: estorna e cobra de novo (não faturado); complement, refund: complemento ou desconto num "
        "mês não faturado; dismiss: deixa como está.",
    ),
]


@files_app.command("diff")
def files_diff(correction: CorrectionNumber, as_json: AsJson = False) -> None:
    """Baixa o arquivo corrigido e mostra a diferença por classe e por ligação; nada muda."""
    found = _application().corrected_files.difference(correction)
    classes = [
        {
            "class": one.call_class,
            "calls_before": one.calls_before,
            "calls_after": one.calls_after,
            "amount_before": plain_micros(one.before),
            "amount_after": plain_micros(one.after),
        }
        for one in found.difference.classes
    ]
    calls = [
        {
            "change": one.change.value,
            "started_at": _local(one.call.started_at),
            "called": mask_number(one.call.called),
            "class": one.call.call_class,
            "amount_before": plain_micros(one.before.amount) if one.before else None,
            "amount_after": plain_micros(one.after.amount) if one.after else None,
        }
        for one in found.difference.calls
    ]
    document = {
        "id": correction,
        "charged": plain(found.charged),
        "amount": plain(found.amount),
        "into": str(found.into),
        "remedies": [one.value for one in found.remedies],
        "classes": classes,
        "calls": calls,
    }
    _answer(document, as_json, text.file_difference(found.charged, found.amount, found.difference))


@files_app.command("settle")
def files_settle(
    correction: CorrectionNumber, how: RemedyOption, reason: DecisionReason, as_json: AsJson = False
) -> None:
    """Resolve um arquivo corrigido, uma vez; pede o papel gestor."""
    application = _application()
    done = application.corrected_files.settle(correction, how, _actor(application.settings), reason=reason)
    document = {
        "id": done.correction,
        "contract": done.contract,
        "competence": str(done.competence),
        "how": done.remedy.value,
        "batch": done.batch,
        "value_id": done.value_id,
        "amount": None if done.amount is None else plain(done.amount),
        "into": None if done.into is None else str(done.into),
    }
    _answer(document, as_json, [text.file_settled(document)])


@files_app.command("undo")
def files_undo(correction: CorrectionNumber, reason: DecisionReason, as_json: AsJson = False) -> None:
    """Desfaz um complemento, um desconto ou um “deixar como está”, enquanto não faturado; pede o papel gestor."""
    application = _application()
    done = application.corrected_files.undo(correction, _actor(application.settings), reason=reason)
    document = {
        "id": correction,
        "contract": done.row.contract,
        "competence": str(done.row.competence),
        "undone": done.decision.remedy.value,
        "value_id": done.decision.value_id,
    }
    _answer(document, as_json, [text.fill(text.CORRECTION_UNDONE, document)])


def _corrections_document(found: Sequence[CorrectionRow]) -> dict[str, Any]:
    rows = [
        {
            "id": one.correction,
            "contract": one.contract,
            "competence": str(one.competence),
            "batch": one.batch,
            "sha256": one.sha256,
            "charged_sha256": one.charged_sha256,
            "charged": plain(one.charged),
            "announced": None if one.announced is None else plain(one.announced),
            "held": one.is_held,
            "seen_at": _local(one.seen_at),
        }
        for one in found
    ]
    return {"corrected": rows}


def _correction_line(one: CorrectionRow) -> str:
    announced = "—" if one.announced is None else text.reais(plain(one.announced))
    return (
        f"{one.correction:>6}  {one.contract:>10}  {text.month(one.competence)}  lote {one.batch:<5} "
        f"cobrado {text.reais(plain(one.charged))}, anunciado {announced}"
    )


# --- Calls, platform, exports, health ------------------------------------------------------------------------------


@app.command()
def provision(contract: Annotated[str, typer.Argument(help="Número do contrato.")], as_json: AsJson = False) -> None:
    """Reenvia o assinante à Summit."""
    application = _application()
    result = asyncio.run(application.provisioning.send(contract, _actor(application.settings)))
    message = "Assinante enviado." if result.ok else text.sentence(result.code or "", result.facts)
    document = {"contract": contract, "ok": result.ok, "code": result.code, "message": message, "at": _local(result.at)}
    _answer(document, as_json, [message])
    if not result.ok:
        raise typer.Exit(1)


@app.command("calls")
def calls_(
    competence: CompetenceText,
    contract: Annotated[str | None, typer.Option(help="Só deste contrato.")] = None,
    line: Annotated[str, typer.Option(help="Só desta linha, com DDD.")] = "",
    class_: Annotated[CallClass | None, typer.Option("--class", help="Só desta classe.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="No máximo tantas ligações.")] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Números completos; pede --reason e fica na auditoria.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Motivo de revelar os números.")] = "",
    as_json: AsJson = False,
) -> None:
    """Registros de ligações da competência, por contrato e início; números discados mascarados."""
    from stfc.services.queries import CallQuery

    month = Competence.parse(competence)
    query = CallQuery(
        contracts=(contract,) if contract else (),
        line=line,
        classes=(class_.value,) if class_ else (),
        sort="contract",
        descending=False,
        limit=limit,
    )
    application = _application()
    search = application.call_search
    if reveal:
        page = search.reveal(month, query, _actor(application.settings), reason=reason)
    else:
        page = search.find(month, query)
    rows = (_call_document(row) for batch in page.table.to_batches(max_chunksize=1000) for row in batch.to_pylist())
    if as_json:
        # One document, but written record by record: a whole month need not stand in memory as text.
        typer.echo(f'{{"total": {page.total}, "calls": [', nl=False)
        for index, row in enumerate(rows):
            typer.echo((", " if index else "") + json.dumps(row, ensure_ascii=False), nl=False)
        typer.echo("]}")
        return
    for row in rows:
        typer.echo(
            f"{row['contract']:>10}  {row['started_at']}  {row['line']:<11} {row['called']:<20} "
            f"{text.CLASSES[row['class']]:<18} {row['duration']:>6} s  {text.reais(row['amount'])}"
        )
    typer.echo(f"{page.total} ligações em {text.month(month)}")


def _call_document(row: dict[str, Any]) -> dict[str, Any]:
    """A record as stored: amounts as decimal text, instant and day ISO; the claim is the ledger's own affair."""
    document = {name: value for name, value in row.items() if name != "claim"}
    return document | {
        "started_at": row["started_at"].astimezone(SAO_PAULO).isoformat(),
        "local_day": row["local_day"].isoformat(),
        "amount": plain_micros(row["amount"]),
        "our_price": None if row["our_price"] is None else plain_micros(row["our_price"]),
    }


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Pasta de destino; criada se não existe.")],
    competence: CompetenceText,
    form: Annotated[ExportFormat, typer.Option("--format", help="Formato dos arquivos.")] = ExportFormat.CSV,
    as_json: AsJson = False,
) -> None:
    """Exporta o que volta ao ERP e o fiscal: os mesmos dados dão sempre os mesmos bytes."""
    month = Competence.parse(competence)
    done = _application().exports.run(folder, month, form)
    files = {name: {"rows": file.rows, "sha256": file.sha256} for name, file in done.files.items()}
    lines = [f"{name}: {file.rows}" for name, file in done.files.items()]
    _answer({"folder": str(folder), "files": files}, as_json, lines)


@app.command()
def compact(
    competence: Annotated[str | None, typer.Option("--competence", help="Só esta competência, como 2026-10.")] = None,
    as_json: AsJson = False,
) -> None:
    """Junta as partes de ligações de cada competência e refaz as somas dos gráficos; o processador também o faz."""
    compaction = _application().compaction
    if competence:
        found = compaction.run(Competence.parse(competence))
        done = [found] if found else []
    else:
        done = compaction.run_all()
    document = [{**vars(one), "competence": str(one.competence)} for one in done]
    lines = [text.compacted(one.competence, one.before, one.after, one.calls) for one in done]
    _answer({"compacted": document}, as_json, lines or [text.NOTHING_TO_COMPACT])


@app.command()
def doctor(
    sample: Annotated[int, typer.Option(min=0, help="Quantos arquivos de ligações conferir byte a byte.")] = 20,
    all_: Annotated[bool, typer.Option("--all", help="Confere todos os arquivos e toda a história.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Faz os reparos seguros e confere de novo.")] = False,
    as_json: AsJson = False,
) -> None:
    """Confere configuração, livro-razão, disco, plataforma, processador e se tudo soma; termina com 1 se algo não.

    O que a conferência custa não cresce com a história; com --all, lê tudo.
    """
    try:
        application = _application()
        diagnosis = application.doctor.examine(None if all_ else sample)
    except StfcError as error:
        # What keeps the application from starting is the only finding then, and nothing that a repair could mend.
        check = "settings" if isinstance(error, SettingsError) else "ledger"
        _diagnosed(Diagnosis((Observation(check, error.code, error.facts),), ()), as_json)
        return
    if not repair:
        _diagnosed(diagnosis, as_json)
        return
    repaired = application.doctor.repair(diagnosis, _actor(application.settings))
    _diagnosed(application.doctor.examine(None if all_ else sample), as_json, repaired)


def _diagnosed(diagnosis: Diagnosis, as_json: bool, repaired: Sequence[Repaired] | None = None) -> None:
    """Say what was seen and, after a repair, what was done; exit 1 when something needs somebody's act."""
    document: dict[str, Any] = {
        "ok": diagnosis.ok,
        "findings": [_observation_document(seen) for seen in diagnosis.findings],
        "notes": [_observation_document(seen) for seen in diagnosis.notes],
    }
    lines = []
    if repaired is not None:
        document["repaired"] = [_repaired_document(one) for one in repaired]
        lines = [f"feito {done['message']}" for done in document["repaired"]] or ["Nada a reparar."]
    lines += [line for seen in diagnosis.findings for line in _observation_lines("falha", seen)]
    lines += [line for seen in diagnosis.notes for line in _observation_lines("nota ", seen)]
    if diagnosis.ok and not diagnosis.notes:
        lines.append("Tudo certo.")
    _answer(document, as_json, lines)
    if not diagnosis.ok:
        raise typer.Exit(1)


def _observation_document(seen: Observation) -> dict[str, Any]:
    return {
        "check": seen.check,
        "code": seen.code,
        "message": text.observation(seen),
        "repair": {"message": text.DOCTOR_REPAIRS[seen.code], "action": ACTIONS.get(seen.code)},
    }


def _observation_lines(kind: str, seen: Observation) -> list[str]:
    hint = " (stfc doctor --repair)" if seen.code in ACTIONS else ""
    return [
        f"{kind} {text.CHECKS[seen.check]}: {text.observation(seen)} ({seen.code})",
        f"      {text.DOCTOR_REPAIRS[seen.code]}{hint}",
    ]


def _repaired_document(done: Repaired) -> dict[str, Any]:
    message = text.error(done.error) if done.error else text.fill(text.REPAIRED[done.action], {"count": done.count})
    return {"action": done.action, "count": done.count, "message": message}


@months_app.command("list")
def months_list(as_json: AsJson = False) -> None:
    """As competências em que algo foi cobrado e a situação de cada uma, da mais nova à mais antiga."""
    found = _application().months.all()
    _answer({"competences": [_month_document(month) for month in found]}, as_json, [*map(_month_line, found)])


@months_app.command("close")
def months_close(competence: MonthArgument, as_json: AsJson = False) -> None:
    """Fecha: congela cobranças, ligações e arquivos, com soma de verificação e relatório; pede o papel gestor."""
    application = _application()
    month = application.months.close(Competence.parse(competence), _actor(application.settings))
    _answer(_month_document(month), as_json, [_month_line(month), f"sha256 {month.row.closing.checksum}"])


@months_app.command("reopen")
def months_reopen(
    competence: MonthArgument,
    reason: Annotated[str, typer.Option("--reason", help="Motivo da reabertura; fica na auditoria.")],
    as_json: AsJson = False,
) -> None:
    """Reabre uma competência fechada; pede o papel gestor."""
    application = _application()
    month = application.months.reopen(Competence.parse(competence), _actor(application.settings), reason=reason)
    _answer(_month_document(month), as_json, [_month_line(month)])


def _month_document(month: Month) -> dict[str, Any]:
    row, closing = month.row, month.row.closing
    document = {
        "competence": str(row.competence),
        "state": month.state.value,
        "contracts": dict(row.standing),
        "eligible": month.eligible,
        "amount": plain(row.amount),
        "calls": row.calls,
        "closed_at": None,
        "closed_by": None,
        "checksum": None,
        "report": None,
    }
    if closing:
        document |= {"closed_at": _local(closing.at), "closed_by": closing.by, "checksum": closing.checksum}
        document["report"] = dict(closing.report)
    return document


def _month_line(month: Month) -> str:
    row = month.row
    return (
        f"{text.month(row.competence)}  {text.MONTH_STATES[month.state]:<17}  {text.reais(plain(row.amount)):>16}  "
        f"{row.calls} ligações  ainda na lista {month.eligible}"
    )


# --- Retention, parameters, a second person ------------------------------------------------------------------------


@retention_app.command("preview")
def retention_preview(as_json: AsJson = False) -> None:
    """O que a retenção eliminaria agora, por competência; não muda nada."""
    found = _application().retention.preview()
    document = {
        "months": found.months,
        "before": str(found.before),
        "due": [_kept_document(one) for one in found.due],
        "blocked": [_kept_document(one) for one in found.blocked],
    }
    lines = [f"{_kept_line(one)}  sai" for one in found.due]
    lines += [f"{_kept_line(one)}  fica: ainda aberta" for one in found.blocked]
    kept = text.parameter_value(found.months, "months")
    head = f"Retenção de {kept}: sai o que é anterior a {text.month(found.before)} e está fechado."
    _answer(document, as_json, [head, *(lines or ["Nada a eliminar."])])


@retention_app.command("apply")
def retention_apply(
    reason: Annotated[str, typer.Option("--reason", help="Motivo; fica na auditoria.")],
    competence: Annotated[list[str] | None, typer.Option(help="Só esta competência; pode repetir.")] = None,
    as_json: AsJson = False,
) -> None:
    """Elimina as ligações do que a prévia diz que sai; não tem volta e pede o papel gestor."""
    application = _application()
    chosen = [Competence.parse(one) for one in competence] if competence else None
    gone = application.retention.apply(_actor(application.settings), reason=reason, competences=chosen)
    document = {"purged": [_kept_document(one) for one in gone]}
    _answer(document, as_json, [_kept_line(one) for one in gone] or ["Nada a eliminar."])


def _kept_document(month: KeptMonth) -> dict[str, Any]:
    return {"competence": str(month.competence), "parts": month.parts, "calls": month.calls, "bytes": month.size}


def _kept_line(month: KeptMonth) -> str:
    return f"{text.month(month.competence)}  {text.let_go(month.calls, month.parts, month.size)}"


@parameters_app.command("list")
def parameters_list(as_json: AsJson = False) -> None:
    """Os parâmetros, com valor, padrão, quem mudou e quando."""
    rows = _application().parameters.rows()
    document = [
        {
            "name": row.parameter.value,
            "value": row.value,
            "default": row.allowed.default,
            "unit": row.allowed.unit,
            "changed_at": row.changed and _local(row.changed.changed_at),
            "changed_by": row.changed and row.changed.changed_by,
        }
        for row in rows
    ]
    lines = [
        f"{row.parameter.value:<24} {text.parameter_value(row.value, row.allowed.unit):>16}  "
        f"{text.PARAMETERS[row.parameter]}"
        for row in rows
    ]
    _answer({"parameters": document}, as_json, lines)


@parameters_app.command("set")
def parameters_set(
    name: Annotated[Parameter, typer.Argument(help="Nome do parâmetro.")],
    value: Annotated[int, typer.Argument(help="Novo valor, inteiro; dinheiro em centavos, 0 ou 1 para não ou sim.")],
    reason: Annotated[str, typer.Option("--reason", help="Motivo; fica na auditoria.")],
    as_json: AsJson = False,
) -> None:
    """Muda um parâmetro; pede o papel gestor."""
    application = _application()
    application.parameters.change(name, value, _actor(application.settings), reason=reason)
    said = text.parameter_value(value, RANGES[name].unit)
    _answer({"name": name.value, "value": value}, as_json, [f"{text.PARAMETERS[name]}: {said}"])


ApprovalNumber = Annotated[int, typer.Argument(min=1, max=2**63 - 1, metavar="PEDIDO", help="Número do pedido.")]


@approvals_app.command("list")
def approvals_list(
    all_: Annotated[bool, typer.Option("--all", help="Também o que já foi decidido ou venceu.")] = False,
    as_json: AsJson = False,
) -> None:
    """O que espera a confirmação de outro gestor."""
    service = _application().approvals
    found = service.newest() if all_ else service.pending()
    document = {"approvals": [_approval_document(one) for one in found]}
    _answer(document, as_json, [*map(_approval_line, found)] or ["Nenhum pedido à espera."])


@approvals_app.command("approve")
def approvals_approve(approval: ApprovalNumber, as_json: AsJson = False) -> None:
    """Confirma o pedido de outra pessoa e faz, uma vez, o que ele pede; pede o papel gestor."""
    application = _application()
    done = application.approvals.approve(approval, _actor(application.settings))
    _answer(_approval_document(done), as_json, [_approval_line(done)])


@approvals_app.command("deny")
def approvals_deny(
    approval: ApprovalNumber,
    reason: Annotated[str, typer.Option("--reason", help="Motivo da recusa; fica na auditoria.")],
    as_json: AsJson = False,
) -> None:
    """Recusa o pedido de outra pessoa; nada é feito. Pede o papel gestor."""
    application = _application()
    done = application.approvals.deny(approval, _actor(application.settings), reason=reason)
    _answer(_approval_document(done), as_json, [_approval_line(done)])


def _approval_document(one: Approval) -> dict[str, Any]:
    return {
        "id": one.approval,
        "action": one.action,
        **one.subject,
        **one.shown,
        "reason": one.reason,
        "status": one.status,
        "requested_at": _local(one.requested_at),
        "requested_by": one.requested_by,
        "expires_at": _local(one.expires_at),
        "decided_at": one.decided_at and _local(one.decided_at),
        "decided_by": one.decided_by,
        "decision_reason": one.decision_reason,
    }


def _approval_line(one: Approval) -> str:
    return (
        f"{one.approval:>6}  {text.APPROVAL_STATUSES[one.status]:<10}  {text.approval_subject(one)}  "
        f"por {one.requested_by}  “{one.reason}”"
    )


@audit_app.command("verify")
def audit_verify(as_json: AsJson = False) -> None:
    """Confere a auditoria linha a linha; termina com 1 se alguma foi alterada, removida ou acrescentada por fora.

    Guarde o hash da última linha em outro lugar: com ele se prova, depois, que nada antes dele mudou.
    """
    verdict = _application().audit_trail.verify()
    document: dict[str, Any] = {"ok": verdict.broken is None, "lines": verdict.lines, "hash": verdict.hash}
    message = text.audit_verdict(verdict)
    if verdict.broken is not None:
        document["broken"] = {"line": verdict.broken, "cause": verdict.breach, "message": message}
    _answer(document, as_json, [message])
    if verdict.broken is not None:
        raise typer.Exit(1)


@audit_app.command("list")
def audit_list(
    search: Annotated[str, typer.Option(help="Quem, ato, alvo, motivo ou detalhe.")] = "",
    who: Annotated[str, typer.Option(help="Só de quem tem este nome.")] = "",
    action: Annotated[str, typer.Option(help="Só atos que começam assim, como month.")] = "",
    target: Annotated[str, typer.Option(help="Só alvos que contêm isto.")] = "",
    surface: Annotated[str, typer.Option(help="Só de tela ou de terminal.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="No máximo tantas linhas.")] = 100,
    as_json: AsJson = False,
) -> None:
    """A auditoria, da linha mais nova à mais antiga; pede o papel gestor."""
    application = _application()
    total, found = application.audit_trail.page(
        _actor(application.settings), search=search, chosen=AuditFilter(who, action, target, surface), limit=limit
    )
    rows = [{**vars(line), "at": _local(line.at), "facts": dict(line.facts)} for line in found]
    _answer({"total": total, "lines": rows}, as_json, [*map(_audit_line, found), f"{total} linhas"])


def _audit_line(line: AuditLine) -> str:
    reason = f"  “{line.reason}”" if line.reason else ""
    who = f"{line.who} ({line.role}, {line.surface})"
    return f"{line.seq:>6}  {_local(line.at)}  {who}  {line.action}  {line.target}{reason}"


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Arquivo .tar de destino; um antigo de mesmo nome é trocado no fim.")],
    as_json: AsJson = False,
) -> None:
    """Grava livro-razão, dados do ERP e ligações de um mesmo instante em um arquivo, com tudo em funcionamento."""
    application = _application()
    done = application.backup.make(file, _actor(application.settings))
    document = {
        "file": str(done.file),
        "bytes": done.archived.size,
        "sha256": done.archived.sha256,
        **_copy_document(done),
    }
    _answer(document, as_json, [text.backed_up(done.archived.files, done.archived.size, str(file))])


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="Arquivo que “stfc backup” gravou.")],
    as_json: AsJson = False,
) -> None:
    """Volta um backup em uma pasta vazia (STFC_HOME): confere tudo antes de pôr no lugar."""
    settings = _bootstrap().settings()
    done = _bootstrap().restoring(settings).run(file, _actor(settings))
    _answer({"home": str(settings.home), **_copy_document(done)}, as_json, [text.restored(str(settings.home))])


def _copy_document(done: BackedUp | Restored) -> dict[str, Any]:
    copy = done.copy
    counts = {"snapshots": len(copy.snapshots), "parts": len(copy.parts)}
    return {"revision": copy.revision, **counts, "seconds": done.seconds}


if __name__ == "__main__":
    main()
