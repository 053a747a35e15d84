"""Every Portuguese sentence that screen and terminal share, from codes and facts (ARCHITECTURE, layers)."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any

from stfc.domain.competence import SAO_PAULO, Competence
from stfc.domain.correction import Change, FileDifference, Remedy
from stfc.domain.eligibility import Verdict
from stfc.domain.forecast import BatchForecast
from stfc.domain.masking import mask_number
from stfc.domain.money import Centavos, plain, plain_micros
from stfc.domain.outcome import Finding, Held, ItemOutcome
from stfc.domain.parameter import RANGES, Parameter
from stfc.domain.plan import Allowance, Mode
from stfc.domain.rating.price import AllowanceUse, PriceSteps
from stfc.domain.rerating import Effect, Repriced, RerateTotals
from stfc.errors import PlanProblem, StfcError

# --- Words of the glossary (PRODUCT 2) -----------------------------------------------------------------------------

STAGES = {
    "pre_contract": "Pré-contrato",
    "in_approval": "Em aprovação",
    "approved": "Aprovado",
    "rejected": "Reprovado",
    "cancelled": "Cancelado",
    "integrated": "Integrado",
}
STATUSES = {
    "normal": "Normal",
    "demo": "Demonstração",
    "courtesy": "Cortesia",
    "cancelled": "Cancelado",
    "suspended": "Suspenso",
    "financial_block": "Bloqueio financeiro",
    "administrative_block": "Bloqueio administrativo",
    "closed": "Encerrado",
}
INTEGRATIONS = {"pending": "Pendente", "integrated": "Integrado", "error": "Erro"}
INVOICE_STATUSES = {
    "open": "Aberta",
    "awaiting_note": "Aguardando nota",
    "closed": "Fechada",
    "paid": "Paga",
    "cancelled": "Cancelada",
}
OUTCOMES = {
    "waiting": "Na fila",
    "running": "Em execução",
    "waiting_file": "Aguardando arquivo",
    "charged": "Cobrado",
    "zero": "Zerado",
    "held": "Retido",
    "refused": "Recusado",
    "failed": "Falhou",
    "cancelled": "Cancelado",
}
BATCH_STATUSES = {
    "waiting": "Na fila",
    "running": "Em execução",
    "paused": "Pausado",
    "done": "Concluído",
    "cancelled": "Cancelado",
}
ROLES = {"supervisor": "supervisor", "operator": "operador", "manager": "gestor"}
CLASSES = {
    "LOCAL": "Local",
    "LDN": "LDN",
    "VC1": "VC1",
    "VC2": "VC2",
    "VC3": "VC3",
    "LDI": "LDI",
    "TOLL_FREE": "0800",
    "SHARED": "0300",
    "PUBLIC_UTILITY": "Utilidade pública",
    "UNKNOWN": "Desconhecida",
}
BANDS = {"normal": "horário normal", "reduced": "horário reduzido"}
EFFECTS = {
    "changed": "muda",
    "prices_only": "só o preço das ligações",
    "unchanged": "igual",
    "refused": "não pode",
}
"""What re-rating does to a charge (``rerating.Effect``)."""
MODES = {
    "platform": "cobra a Summit",
    "rerate": "cobra a nossa tarifação",
    "check": "cobra a Summit, conferida",
}
RULES = {
    "approved": "Aprovado",
    "normal_status": "Em status Normal",
    "active_summit_service": "Com serviço Summit ativo e não deletado",
    "within_billing_window": "Dentro da vigência de faturamento",
    "not_invoiced": "Não faturado na competência",
    "no_charge": "Não possui cobrança para a competência",
    "no_eventual_value": "Sem valor eventual vinculado ao serviço Summit",
    "no_zero_billing_event": "Sem evento de faturamento zerado",
}
CAUTIONS = {
    "cut_day_not_reached": "Dia de corte não atingido",
    "no_line": "Contrato sem linha",
    "integration_error": "Integração em erro",
    "no_plan": "Sem plano tarifário",
    "invoice_awaiting_note": "Fatura aguardando nota",
}
CAUTION_EFFECTS = {
    "cut_day_not_reached": "O arquivo pode não existir; o item espera",
    "no_line": "Registros podem ficar retidos",
    "integration_error": "Reenvie a integração antes de cobrar",
    "no_plan": "Cobra o valor da Summit, sem comparação",
    "invoice_awaiting_note": "Há fatura da competência aguardando nota",
}

_MONTHS = ("jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez")


def month(competence: Competence) -> str:
    """``out/2026``."""
    return f"{_MONTHS[competence.month - 1]}/{competence.year}"


def day(value: date | str | None) -> str:
    """``12/10/2026``; an ISO text is taken too, nothing gives a dash."""
    if not value:
        return "—"
    parsed = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{parsed:%d/%m/%Y}"


def files_checked(competence: Competence, listed: int, noticed: int) -> str:
    """What a look for corrected files came to."""
    some = "1 correção nova" if noticed == 1 else f"{noticed} correções novas"
    news = some if noticed else "nenhuma correção nova"
    return f"{listed} arquivos na Summit em {month(competence)}: {news}."


def file_difference(charged: Centavos, amount: Centavos, found: FileDifference) -> list[str]:
    """What a corrected file changes: the amounts, a line a class, a line a call; numbers masked."""
    head = f"Cobrado {reais(plain(charged))}; o arquivo corrigido dá {reais(plain(amount))}."
    classes = [
        f"{CLASSES[one.call_class]}: {one.calls_before} → {one.calls_after} ligações, "
        f"{reais(plain_micros(one.before))} → {reais(plain_micros(one.after))}"
        for one in found.classes
    ]
    calls = [
        f"{CALL_CHANGES[one.change]}: {one.call.started_at.astimezone(SAO_PAULO):%d/%m/%Y %H:%M:%S} "
        f"{mask_number(one.call.called)}, "
        + " → ".join(reais(plain_micros(call.amount)) if call else "—" for call in (one.before, one.after))
        for one in found.calls
    ]
    return [head, *classes, *calls]


def file_settled(done: Mapping[str, Any]) -> str:
    """How a corrected file was settled: ``how``, ``contract``, and ``batch`` or ``value_id``, ``amount``, ``into``."""
    facts = dict(done)
    if done["into"]:
        facts |= {"amount": reais(done["amount"]), "into": month(Competence.parse(done["into"]))}
    return fill(SETTLED[Remedy(done["how"])], facts)


def reais(amount: str | Decimal) -> str:
    """``R$ 1.234,56`` of plain text or a decimal in reais, with all its decimals."""
    whole, _, fraction = f"{Decimal(amount):f}".partition(".")
    grouped = f"{int(whole):,}".replace(",", ".")
    return f"R$ {grouped},{fraction.ljust(2, '0')}"


def size(count: int) -> str:
    """``48,2 KB`` of a number of bytes."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KB".replace(".", ",")


# --- The eight rules (PRODUCT 5) -----------------------------------------------------------------------------------


def rule_reason(verdict: Verdict) -> str:
    """Why one rule holds or not, with its evidence, in a sentence."""
    return _RULE_REASONS[verdict.rule.key](verdict.evidence, verdict.holds)


def _approved(evidence: Mapping[str, Any], holds: bool) -> str:
    stage = STAGES[evidence["stage"]]
    since = f" desde {day(evidence['approved_on'])}" if evidence["approved_on"] else ""
    if evidence["deleted"]:
        return f"Contrato deletado, na etapa {stage}"
    return f"Etapa {stage}{since}" if holds else f"Etapa {stage}; só a etapa Aprovado é cobrada"


def _normal(evidence: Mapping[str, Any], holds: bool) -> str:
    status = STATUSES[evidence["status"]]
    return f"Status {status}" if holds else f"Status {status}; só o status Normal é cobrado"


def _service(evidence: Mapping[str, Any], holds: bool) -> str:
    active, total = evidence["active"], evidence["services"]
    if holds:
        return f"{len(active)} de {total} serviços Summit ativos: {', '.join(active)}"
    return f"Nenhum dos {total} serviços Summit está ativo e não deletado" if total else "Nenhum serviço Summit"


def _window(evidence: Mapping[str, Any], holds: bool) -> str:
    until = f"até {day(evidence['bill_until'])}" if evidence["bill_until"] else "sem fim"
    return f"Vigência de {day(evidence['bill_from'])}, {until}" + ("" if holds else "; não alcança a competência")


def _invoiced(evidence: Mapping[str, Any], holds: bool) -> str:
    return "Nenhuma fatura na competência" if holds else f"Fatura {', '.join(evidence['invoices'])} na competência"


def _charged(evidence: Mapping[str, Any], holds: bool) -> str:
    if holds:
        return "Nenhum item vivo na competência"
    items = (f"Lote {item['batch']}, {OUTCOMES[item['outcome']].lower()}" for item in evidence["items"])
    return "; ".join(items)


def _valued(evidence: Mapping[str, Any], holds: bool) -> str:
    if holds:
        return "Nenhum valor eventual na competência"
    return f"Valor eventual {', '.join(evidence['eventual_values'])} no serviço Summit"


def _zeroed(evidence: Mapping[str, Any], holds: bool) -> str:
    return "Nenhum evento na competência" if holds else f"Evento {', '.join(evidence['events'])} na competência"


_RULE_REASONS = {
    "approved": _approved,
    "normal_status": _normal,
    "active_summit_service": _service,
    "within_billing_window": _window,
    "not_invoiced": _invoiced,
    "no_charge": _charged,
    "no_eventual_value": _valued,
    "no_zero_billing_event": _zeroed,
}

WAYS_OUT = {
    "approved": "aprovar o contrato no ERP",
    "normal_status": "regularizar o status no ERP",
    "active_summit_service": "ativar um serviço Summit no ERP",
    "within_billing_window": "ajustar a vigência no ERP",
    "not_invoiced": "nada a fazer: a competência já foi faturada",
    "no_charge": "estornar a cobrança, se ela estiver errada",
    "no_eventual_value": "excluir o valor eventual no ERP, ou estornar a cobrança que o criou",
    "no_zero_billing_event": "estornar o evento de faturamento zerado",
}
"""What would bring the contract into the list, by the rule that keeps it out."""


# --- Codes of PRODUCT 10: what they mean and what to do ------------------------------------------------------------

CODES = {
    "SUM-404": "Arquivo ainda não existe na Summit",
    "SUM-401": "Credencial recusada pela Summit",
    "SUM-429": "Summit pediu para ir mais devagar",
    "SUM-5XX": "Erro no servidor da Summit",
    "SUM-TMO": "Tempo esgotado à espera da Summit",
    "SUM-NET": "Conexão com a Summit interrompida",
    "SUM-SUB": "Assinante desconhecido na Summit",
    "SUM-422": "Summit recusou os dados do assinante",
    "SUM-CFG": "Integração STFC - Summit não habilitada",
    "ARQ-FMT": "Arquivo fora do formato combinado",
    "ARQ-SHA": "Conteúdo não confere com a soma anunciada",
    "ARQ-TOT": "Totais declarados diferem dos registros",
    "CTR-LIN": "Linha sem contrato no dia da ligação",
    "CTR-DIV": "Linha de outro contrato no dia da ligação",
    "TAR-DIF": "Nossa tarifação difere além da tolerância",
    "CON-ANO": "Anomalia frente ao histórico do contrato",
    "TAR-SEM": "Sem tarifa para uma classe que ocorre",
    "REG-ELG": "Contrato deixou de ser elegível",
    "ARM-ESC": "Não há onde gravar: disco cheio ou protegido",
    "STF-000": "Erro interno do sistema",
}
REMEDIES = {
    "SUM-404": "Nada a fazer: reprocesse quando a Summit fechar o mês",
    "SUM-401": "Corrigir o token da Summit e reprocessar",
    "SUM-429": "Reprocessar mais tarde",
    "SUM-5XX": "Reprocessar; se persistir, abrir chamado na Summit",
    "SUM-TMO": "Reprocessar agora",
    "SUM-NET": "Reprocessar quando a Summit responder",
    "SUM-SUB": "Reenviar a integração do contrato",
    "ARQ-FMT": "Abrir chamado na Summit com o anexo",
    "ARQ-SHA": "Reprocessar; se persistir, abrir chamado na Summit",
    "ARQ-TOT": "Decidir na Conferência",
    "CTR-LIN": "Decidir na Conferência",
    "CTR-DIV": "Decidir na Conferência",
    "TAR-DIF": "Decidir na Conferência",
    "CON-ANO": "Decidir na Conferência",
    "TAR-SEM": "Decidir na Conferência",
    "REG-ELG": "Ver por que não está na lista",
    "ARM-ESC": "Liberar espaço no disco; continua sozinho",
    "STF-000": "Reprocessar; se persistir, abrir chamado com o log do processador",
}
CAN_SUCCEED = frozenset({"SUM-429", "SUM-5XX", "SUM-TMO", "SUM-NET", "ARQ-SHA", "SUM-404", "SUM-401", "STF-000"})
"""Codes that a retry without any other act can turn into a charge."""

INVALID = {
    "competence": "“{value}” não é uma competência no formato AAAA-MM, de 2000 a 2100.",
    "amount": "“{value}” não é um valor com até 6 casas decimais, sem sinal.",
    "fault": "“{value}” não é uma falha do simulador; use TIPO=TAXA, com TIPO entre {choices} e TAXA de 0 a 1.",
    "day": "“{value}” não é um dia no formato AAAA-MM-DD.",
    "file": "{value}: o arquivo não pôde ser lido ({reason}).",
    "empty": "Informe ao menos um contrato.",
    "sort": "Não há coluna “{value}” para ordenar.",
    "dump_table": "{value}: a tabela não existe, não pôde ser lida ou não tem as colunas de que o simulador precisa.",
    "dump_content": "{value}: há datas ou números que o simulador não entende; importe a pasta para ver quais.",
    "port_taken": "A porta {value} não pôde ser aberta.",
    "parameter": "{value} não é um valor possível de “{field}”: use um número inteiro de {least} a {most}.",
    "calls": "{value} ligações por contrato não cabem em um arquivo; use de 0 a {most}.",
}
NOT_FOUND = {
    "contract": "O contrato {key} não existe na importação atual do ERP.",
    "batch": "O lote {key} não existe.",
    "item": "O item {key} não existe.",
    "snapshot": "A importação {key} do ERP não existe mais.",
    "hold": "A cobrança {key} não existe.",
    "correction": "A correção {key} não existe.",
    "approval": "O pedido {key} não existe, ou pede outra coisa.",
    "batch_contract": "O contrato {key} não está no lote.",
    "charged_contract": "O contrato {key} não tem cobrança nesta competência.",
    "plan": "Não há plano nem versão “{key}”.",
}
CALL_CHANGES = {Change.NEW: "Nova", Change.GONE: "Retirada", Change.CHANGED: "Alterada"}
SETTLED = {
    Remedy.CHARGE_AGAIN: "Contrato {contract}: cobrança estornada; o lote {batch} o cobra de novo.",
    Remedy.COMPLEMENT: "Contrato {contract}: complemento {value_id} de {amount} em {into}.",
    Remedy.REFUND: "Contrato {contract}: desconto {value_id} de {amount} em {into}.",
    Remedy.DISMISS: "Contrato {contract}: a cobrança fica como está.",
}
CORRECTION_UNDONE = "Contrato {contract}: decisão desfeita; o arquivo corrigido espera outra."
NOT_POSSIBLE = {
    "no_snapshot": "Ainda não há dados do ERP: importe-os com “stfc import PASTA”.",
    "reason_missing": "Informe o motivo do estorno; ele fica na auditoria.",
    "invoiced": "O valor do contrato {contracts} já foi faturado; use complemento ou desconto em vez do estorno.",
    "held_reversal": "A cobrança do contrato {contracts} está retida: só um gestor a libera, rejeita ou estorna. "
    "Nada foi estornado; escolha os outros contratos.",
    "rerate_plans_changed": "Os planos mudaram durante a retarifação de {competence}; o que falta ficou como estava. "
    "Veja a prévia de novo.",
    "rerate_changed": "A retarifação de {competence} daria agora outro valor que a prévia; nada mudou. "
    "Veja a prévia de novo.",
    "hold_reason_missing": "Informe o motivo da decisão; ele fica na auditoria.",
    "hold_decided": "A cobrança {holds} (contrato {contracts}) não espera decisão: já foi liberada, rejeitada ou "
    "estornada, ou nunca foi retida. Nada mudou.",
    "nothing_to_reverse": "Não há cobrança a estornar neste lote para o contrato {contracts}.",
    "platform_down": "O lote {batch} está pausado: {reason} ({code}). "
    "Nenhuma tentativa foi gasta e nada foi cobrado pela metade.",
    "correction_reason_missing": "Informe o motivo da decisão sobre o arquivo corrigido; ele fica na auditoria.",
    "correction_decided": "A correção {correction} (contrato {contract}) não espera decisão: já foi resolvida, outra "
    "versão a substituiu ou a cobrança foi estornada. Nada mudou.",
    "correction_replaced": "A Summit já tem outra versão do arquivo do contrato {contract}; rode "
    "“stfc files check {competence}” e decida sobre ela.",
    "correction_unreadable": "O arquivo corrigido do contrato {contract} não pode ser lido ({code}); nada mudou.",
    "correction_invoiced": "O valor do contrato {contract} já foi faturado: use complemento ou desconto.",
    "correction_not_invoiced": "O valor do contrato {contract} ainda não foi faturado: estorne e cobre de novo.",
    "correction_adjusted": "A cobrança do contrato {contracts} tem complemento ou desconto de um arquivo corrigido e "
    "não pode ser estornada.",
    "correction_no_complement": "O arquivo corrigido do contrato {contract} não vale mais que o já cobrado: não há "
    "complemento.",
    "correction_no_refund": "O arquivo corrigido do contrato {contract} não vale menos que o já cobrado: não há "
    "desconto.",
    "correction_changed": "A diferença do contrato {contract} não é mais a mostrada; veja de novo. Nada mudou.",
    "correction_undo_over": "A decisão sobre o contrato {contract} não vale mais; não há o que desfazer.",
    "correction_undo_charged": "O contrato {contract} foi cobrado de novo: para desfazer, estorne essa cobrança.",
    "correction_undo_invoiced": "O complemento ou desconto do contrato {contract} já foi faturado e fica como está.",
    "correction_undo_later": "Outra versão do arquivo do contrato {contract} foi resolvida depois; desfaça aquela "
    "primeiro.",
    "correction_refused": "O contrato {contract} não pode ser cobrado de novo: {rule}. Nada foi estornado.",
    "reveal_reason_missing": "Informe o motivo de revelar os números; ele fica na auditoria.",
    "calls_differ": "O contrato {contract} foi cobrado por {expected} ligações e há {found} guardadas; "
    "nada foi exportado. Rode “stfc doctor”.",
    "backup_postgres": "O livro-razão está em PostgreSQL: copie-o com pg_dump e, depois, as pastas snapshots e calls.",
    "backup_damaged": "{path} não é o que o livro-razão diz; nada foi gravado. Rode “stfc doctor --all”.",
    "restore_postgres": "O livro-razão está em PostgreSQL: volte-o com pg_restore, e as pastas snapshots e calls.",
    "restore_occupied": "{path} já existe; o backup volta só em uma pasta vazia. Nada foi alterado.",
    "restore_broken": "{file} não é um backup inteiro ({detail}). Nada foi alterado.",
    "month_closed": "A competência {competence} está fechada e nada nela muda; um gestor pode reabri-la, com motivo.",
    "month_not_closed": "A competência {competence} não está fechada.",
    "month_busy": "A competência {competence} não pode ser fechada: contratos na fila {waiting}, em execução "
    "{running}, à espera do arquivo {waiting_file}, retidos {held}. Nada mudou.",
    "month_empty": "Não há nada cobrado na competência {competence}.",
    "month_purged": "As ligações da competência {competence} já foram eliminadas pela retenção; ela não reabre nem é "
    "exportada de novo. Cobranças e totais continuam guardados.",
    "retention_young": "A competência {competence} ainda não tem a idade da retenção: "
    "só sai o que é anterior a {before}.",
    "retention_open": "A competência {competence} está aberta; a retenção só elimina ligações de "
    "competências fechadas.",
    "retention_empty": "Não há ligações guardadas da competência {competence}.",
    "retention_reason_missing": "Informe o motivo de eliminar as ligações; ele fica na auditoria.",
    "parameter_reason_missing": "Informe o motivo da alteração; ele fica na auditoria.",
    "parameter_changed": "O valor de “{parameter}” já não é o que se via: {by} o mudou para {value}. "
    "Nada mudou; confira e altere de novo, se ainda for o caso.",
    "deny_reason_missing": "Informe o motivo da recusa; ele fica na auditoria.",
    "approval_over": "O pedido {approval} não espera mais confirmação ({status}). Nada mudou.",
    "approval_own": "O pedido {approval} é seu: outro gestor precisa confirmar ou recusar. Nada mudou.",
    "reopen_reason_missing": "Informe o motivo da reabertura; ele fica na auditoria.",
    "home_exists": "{home} já tem dados que não são da demonstração.",
    "child_ended": "A demonstração parou: {name} terminou com o código {status}.",
    "child_silent": "{url} não respondeu a tempo.",
}
ACTIONS = {
    "bill": "gerar cobrança",
    "retry": "reprocessar",
    "cancel": "cancelar",
    "reverse": "estornar",
    "check_files": "procurar arquivos corrigidos",
    "settle_file": "resolver arquivos corrigidos",
    "release_hold": "liberar cobranças retidas",
    "rerate": "retarifar uma competência",
    "reject_hold": "rejeitar cobranças retidas",
    "provision": "reenviar a integração",
    "import": "importar dados do ERP",
    "import_plans": "importar planos tarifários",
    "reveal": "revelar números",
    "reveal_bulk": "revelar números de vários contratos",
    "repair": "reparar",
    "backup": "gravar um backup",
    "restore": "voltar um backup",
    "read_audit": "ler a auditoria",
    "close_month": "fechar competências",
    "reopen_month": "reabrir competências",
    "change_parameter": "alterar parâmetros",
    "apply_retention": "eliminar ligações pela retenção",
    "approve": "confirmar pedidos de segunda pessoa",
    "deny": "recusar pedidos de segunda pessoa",
}
_ERRORS = {
    "CFG-INV": "A configuração {setting} está errada: {cause}.",
    "CFG-VER": "A pasta {home} foi gravada por outra versão do produto (formato {found}; esta lê {expected}).",
    "ARM-ESC": "Não foi possível ler ou gravar em {place}: {cause}. Nada foi alterado.",
    "IMP-MUD": "Os dados do ERP mudaram durante a operação; tente de novo.",
    "SUM-404": "A plataforma ainda não fechou o arquivo do contrato {contract} em {competence}.",
    "SUM-401": "A Summit recusou a credencial (HTTP {status}).",
    "SUM-429": "A Summit pediu para ir mais devagar.",
    "SUM-5XX": "A Summit respondeu com erro: {cause}.",
    "SUM-TMO": "A Summit não respondeu a tempo ({phase}, {seconds} s).",
    "SUM-NET": "Não há conexão com a Summit: {cause}.",
    "SUM-SUB": "A Summit não conhece o assinante {contract}.",
    "SUM-422": "A Summit recusou os dados do contrato {contract}: {reason}.",
    "SUM-CFG": "A integração STFC - Summit não está habilitada; defina STFC_SUMMIT_URL ou STFC_SUMMIT_DIR.",
    "ARQ-SHA": "O conteúdo do arquivo não confere com a soma sha256 anunciada.",
    "REG-ELG": "Não é mais elegível: {rule}.",
    "STF-000": "Erro interno do sistema ({cause}).",
}


class _Facts(dict[str, Any]):
    """Facts for a sentence; what is missing shows as a dash instead of breaking the sentence."""

    def __missing__(self, key: str) -> str:
        return "—"


def fill(sentence: str, facts: Mapping[str, Any]) -> str:
    """The sentence with its facts; lists are joined, absent ones become a dash."""
    plain = {k: ", ".join(map(str, v)) if isinstance(v, list | tuple) else v for k, v in facts.items() if v is not None}
    return sentence.format_map(_Facts(plain))


def sentence(code: str, facts: Mapping[str, Any]) -> str:
    """The sentence of a code with its facts, without the code itself."""
    if code == "ARQ-FMT":
        return file_cause(facts)
    if code == "ARQ-TOT" and "declared" in facts:
        return totals_difference(facts)
    if code in ("CTR-LIN", "CTR-DIV") and "calls" in facts:
        return line_finding(code, facts)
    if code == "CON-ANO" and "detector" in facts:
        return anomaly(facts)
    if code == "TAR-DIF" and "ours" in facts:
        return rating_difference(facts)
    if code == "TAR-SEM" and "classes" in facts:
        return tariff_missing(facts)
    if code in PLATFORM_CODES:
        facts = {**facts, "cause": platform_cause(facts), "phase": PLATFORM_PHASES.get(facts.get("phase", ""))}
    if code == "CFG-INV":
        facts = {**facts, "cause": SETTING_CAUSES.get(facts["cause"], facts["cause"])}
    if code == "SUM-422":
        facts = {**facts, "reason": integration_error(facts.get("reason", ""))}
    if code == "REG-ELG" and facts.get("rule"):
        facts = {**facts, "rule": RULES[facts["rule"]]}
    template = _ERRORS.get(code)
    return fill(template, facts) if template else CODES.get(code, "Erro inesperado") + "."


def error(problem: StfcError) -> str:
    """What a person reads of an error: the sentence and, in brackets, the code."""
    return f"{_said(problem)} ({problem.code})"


def _said(problem: StfcError) -> str:
    facts = problem.facts
    if problem.code == "USO-INV":
        return fill(INVALID[facts["cause"]], facts)
    if problem.code == "USO-NAO":
        return fill(NOT_FOUND[facts["kind"]], facts)
    if problem.code == "USO-EST":
        if facts["cause"] == "platform_down":
            facts = {**facts, "reason": CODES[facts["code"]].lower().replace("summit", "Summit")}
        if facts["cause"] == "correction_refused":
            facts = {**facts, "rule": RULES[facts["rule"]]}
        if facts["cause"] == "parameter_changed":
            unit, name = RANGES[Parameter(facts["parameter"])].unit, PARAMETERS[facts["parameter"]]
            facts = {**facts, "parameter": name, "value": parameter_value(facts["value"], unit)}
        if facts["cause"] == "approval_over":
            facts = {**facts, "status": APPROVAL_STATUSES[facts["status"]]}
        return fill(NOT_POSSIBLE[facts["cause"]], facts)
    if problem.code == "USO-SEG":
        return approval_requested(facts)
    if problem.code == "USO-ENT":
        return "Sua sessão terminou antes deste ato e nada foi feito; entre novamente"
    if problem.code == "USO-PER":
        action = ACTIONS.get(facts["action"], facts["action"])
        role = ROLES.get(facts["role"], facts["role"])
        return f"O papel {role} não pode {action}; é preciso ser {ROLES[facts['needed']]}."
    if problem.code == "IMP-REC":
        first = facts["problems"][0]
        place = f"{first.file}, linha {first.line}, coluna {first.column}" if first.line else first.file
        return (
            f"Importação recusada, nada mudou: {len(facts['problems'])} problema(s). O primeiro: {place}: {first.cause}"
        )
    if problem.code == "PLA-REC":
        count, first = len(facts["problems"]), facts["problems"][0]
        return f"Planos recusados, nada mudou: {count} problema(s). O primeiro: {plan_problem(first)}"
    return sentence(problem.code, facts)


def plan_problem(problem: PlanProblem) -> str:
    """``plan[1].price.LOCAL: o valor não pode ser negativo``."""
    return f"{problem.key}: {problem.cause}" if problem.key else problem.cause


def item(row: Any) -> str:
    """Where a contract of a batch stands and why, in a sentence (``ports.ItemRow``)."""
    said = OUTCOMES[row.outcome]
    if row.reversed:
        said += ", estornado"
    if row.outcome == "waiting_file":
        return f"{said}: a plataforma ainda não fechou o arquivo de {row.competence}. (SUM-404)"
    if row.outcome == "refused":
        return f"{said}: {RULES[row.rule]} não vale mais. (REG-ELG)"
    findings = "; ".join(finding(f) for f in row.facts.get("findings", ()))
    if row.outcome == "charged" and findings:
        return f"{said}, liberado da Conferência: {findings}"
    if findings:
        return f"{said}: {findings}"
    if row.code:
        return f"{said}: {sentence(row.code, row.facts)} ({row.code})"
    return f"{said}."


def finding(facts: Mapping[str, Any]) -> str:
    """Why a charge is held: the sentence of one finding, with its code."""
    return f"{sentence(facts['code'], facts)} ({facts['code']})"


def hold_reason(findings: Iterable[Finding]) -> str:
    """Why a charge waits for a manager: the sentence of each finding, with its code."""
    return "; ".join(f"{sentence(one.code, one.facts)} ({one.code})" for one in findings)


# --- Logs de processamento -----------------------------------------------------------------------------------------

STEPS = {
    "queue": "Fila",
    "file": "Arquivo",
    "download": "Download",
    "integrity": "Integridade",
    "parse": "Leitura",
    "rating": "Tarifação",
    "check": "Conferência",
    "eligibility": "Elegibilidade",
    "result": "Resultado",
}
LEVELS = {"ok": "ok", "warning": "aviso", "error": "erro"}
_LOG = {
    "lease_expired": "O processador que fazia este contrato parou; voltou para a fila",
    "worker_stopped": "O processador foi encerrado; voltou para a fila",
    "reversed_meanwhile": "Outra competência do contrato foi estornada durante a leitura; voltou para a fila",
    "released": "A Summit parou de responder; voltou para a fila sem gastar tentativa",
    "chunk_full": "Os contratos antes dele já enchem um bloco; voltou para a fila",
    "released_storage": "Não há onde gravar agora; voltou para a fila sem gastar tentativa",
    "released_throttled": "A Summit pediu para esperar; voltou para a fila sem gastar tentativa",
    "postponed": "A Summit pediu para esperar {wait} s; voltou para a fila sem gastar tentativa ({code})",
    "file_arrived": "O arquivo apareceu na listagem da Summit; de volta à fila",
    "retried": "Reprocessamento pedido por {who}",
    "cancelled": "Cancelado por {who}; nada foi gravado",
    "asked": "Descritor pedido à Summit",
    "unfinished": "O arquivo não chegou em {seconds} s; volta à fila e espera mais da próxima vez",
    "waiting_file": "A Summit ainda não tem o arquivo; nada foi gravado",
    "zero": "Faturamento zerado: evento {event} gravado com {calls} ligações",
    "reversed": "Estornado por {who}: {reason}",
    "hold_released": "Liberado por {who}: {reason}. O valor eventual vai ao ERP",
    "hold_rejected": "Rejeitado por {who}: {reason}. Nada é cobrado, as ligações saem das figuras e o contrato volta à "
    "lista",
}


def log(line: Any) -> str:
    """The sentence of a log line (``ports.LogLine``)."""
    facts = dict(line.facts)
    special = _LOG_SPECIAL.get(line.event)
    return special(facts) if special else fill(_LOG[line.event], facts)


def _described(facts: dict[str, Any]) -> str:
    if facts.get("records") is None:
        return "Arquivo encontrado, sem totais anunciados"
    amount = facts.get("amount_micros")
    value = f", {reais(Decimal(amount).scaleb(-6).normalize())}" if amount is not None else ""
    return f"Descritor recebido: {facts['records']} registros{value}"


def _charged_line(facts: dict[str, Any]) -> str:
    return (
        f"Cobrado: {reais(facts['amount'])} de {facts['calls']} ligações, valor eventual {facts['value_id']}. "
        "As 8 regras foram conferidas na mesma transação"
    )


def _held_line(facts: dict[str, Any]) -> str:
    return (
        f"Retido ({facts['code']}): {reais(facts['amount'])} de {facts['calls']} ligações espera decisão na Conferência"
    )


_LOG_SPECIAL: dict[str, Callable[[dict[str, Any]], str]] = {
    "described": _described,
    "sha256_agrees": lambda facts: f"sha256 {_short_sha256(facts['sha256'])} confere com o descritor",
    "sha256": lambda facts: f"sha256 {_short_sha256(facts['sha256'])} calculado; a origem não anuncia soma",
    "parsed": lambda facts: f"Arquivo lido: {_totals_said(facts)}",
    "rated": lambda facts: (
        f"Nossa tarifação pelo plano {facts['plan']} ({MODES[facts['mode']]}): {_centavos(facts['ours'])}; "
        f"a Summit, pelas mesmas ligações: {_centavos(facts['platform'])}"
    ),
    "rerated": lambda facts: (
        f"Retarifado por {facts['who']}: {facts['reason']}. Antes eram {reais(facts['before'])}; "
        f"{_many(facts['calls'], 'ligação mudou', 'ligações mudaram')} de preço, sob {', '.join(facts['plans']) or '-'}"
    ),
    "rating_differs": lambda facts: f"{rating_difference(facts)} (TAR-DIF)",
    "tariff_missing": lambda facts: f"{tariff_missing(facts)} (TAR-SEM)",
    "unreadable": lambda facts: f"{file_cause(facts)} (ARQ-FMT)",
    "totals_agree": lambda facts: "Totais declarados conferem com os registros",
    "totals_differ": lambda facts: f"{totals_difference(facts)} (ARQ-TOT)",
    "no_contract": lambda facts: f"{line_finding('CTR-LIN', facts)} (CTR-LIN)",
    "anomaly": lambda facts: f"{anomaly(facts)} (CON-ANO)",
    "other_contract": lambda facts: f"{line_finding('CTR-DIV', facts)} (CTR-DIV)",
    "repeats": lambda facts: _many(facts["dropped"], "registro repetido descartado", "registros repetidos descartados"),
    "late": lambda facts: (
        f"Anteriores ao período do arquivo: {_many(facts['calls'], 'ligação', 'ligações')}, no valor cobrado, com marca"
    ),
    "amount": lambda facts: (
        f"Soma de {_many(facts['calls'], 'ligação', 'ligações')}: {_micros(facts['amount_micros'])}; "
        f"valor sem frações de centavo: {reais(Decimal(facts['amount_centavos']).scaleb(-2))}"
    ),
    "fetched": lambda facts: f"Arquivo recebido: {size(facts['bytes'])}",
    "charged": _charged_line,
    "held": _held_line,
    "refused": lambda facts: f"Recusado na hora de gravar: {RULES[facts['rule']]} não vale mais. Nada foi gravado",
    "retry": lambda facts: (
        f"Tentativa {facts['try']}: {sentence(facts['code'], facts).rstrip('.')} ({facts['code']}), "
        f"espera de {facts['wait']} s"
    ),
    "paused": lambda facts: (
        f"{sentence(facts['code'], facts)} ({facts['code']}). O lote parou; nenhuma tentativa foi gasta"
    ),
    "failed": lambda facts: (
        f"Falhou: {sentence(facts['code'], facts)} ({facts['code']}). Nada foi gravado para este contrato"
    ),
}


# --- The doctor ----------------------------------------------------------------------------------------------------

NOTHING_TO_COMPACT = "Nada a compactar: as ligações e as somas dos gráficos estão em dia."


def compacted(competence: Competence, before: int, after: int, calls: int) -> str:
    """What the compaction of a competence did to its parts."""
    counted = f"{calls:,}".replace(",", ".")
    return f"{competence}: {counted} ligações, de {before} para {after} partes; somas dos gráficos refeitas."


def backed_up(files: int, count: int, file: str) -> str:
    """What a backup of ``files`` files and ``count`` bytes came to."""
    return f"{files} arquivos, {count / (1 << 20):.1f} MB, em {file}.".replace(".", ",", 1)


def restored(home: str) -> str:
    """What a restore came to, and what to do next."""
    return f"Tudo conferido e no lugar, em {home}. Rode “stfc doctor” e inicie os processos."


# --- The doctor (ARCHITECTURE, command line) -----------------------------------------------------------------------

CHECKS = {
    "settings": "Configuração",
    "platform": "Plataforma",
    "ledger": "Livro-razão",
    "disk": "Disco",
    "worker": "Processador",
    "snapshot": "Dados do ERP",
    "orphans": "Arquivos órfãos",
    "clock": "Relógio",
    "never_twice": "Nunca duas vezes",
    "parts": "Arquivos de ligações",
    "calls": "Ligações",
    "amounts": "Valores",
    "audit": "Auditoria",
}
AUDIT_BREACHES = {
    "changed": "foi alterada",
    "missing": "falta",
    "added": "foi acrescentada por fora",
}
"""What may be wrong with a line of the audit trail, by ``AuditVerdict.breach``."""
DOCTOR = {
    "DOC-INT": "O livro-razão está danificado: {detail}.",
    "DOC-IDX": "Falta no livro-razão a proteção contra cobrar duas vezes: o índice único {index}.",
    "DOC-DUP": "{count} contrato(s) com mais de {what} na mesma competência: {contracts}.",
    "DOC-VAL": "{count} contrato(s) em que {what} não dizem o mesmo: {contracts}.",
    "DOC-PRE": "{count} item(ns) em execução sem processador que responda por eles: {contracts}.",
    "DOC-PRT": "O arquivo de ligações {path} não pode ser lido: {cause}.",
    "DOC-TAM": "O arquivo de ligações {path} tem {size} bytes; foi gravado com {expected}.",
    "DOC-SHA": "O conteúdo do arquivo de ligações {path} mudou: não confere com o sha256 gravado.",
    "DOC-LIG": "{count} contrato(s) com ligações guardadas em número diferente do cobrado: {contracts}.",
    "DOC-SOM": "{count} contrato(s) em que a soma das ligações difere do valor cobrado: {contracts}.",
    "DOC-GRV": "Não é possível gravar em {place}: {cause}.",
    "DOC-ESP": "Restam {free} livres em {place}.",
    "DOC-TRB": "{count} contrato(s) na fila e nenhum processador vivo; inicie “stfc worker”.",
    "DOC-ROL": "As somas dos gráficos de {competences} não estão em disco; os gráficos leem as ligações, mais devagar.",
    "DOC-ROS": "As somas dos gráficos de {competences} diferem das ligações.",
    "DOC-LOT": "{count} lote(s) com situação diferente da dos seus itens: {batches}.",
    "DOC-FUT": "{count} contrato(s) com a próxima tentativa marcada para depois de amanhã.",
    "DOC-PAR": "O lote {batch} tem o que fazer e não anda há {minutes} minutos.",
    "DOC-SNP": "A importação {snapshot} do ERP não está em {path}.",
    "DOC-TAB": "A tabela {table} da importação {snapshot} do ERP não pode ser lida: {cause}.",
    "DOC-TLI": "A tabela {table} da importação {snapshot} do ERP tem {rows} linhas; foi gravada com {expected}.",
    "DOC-VEL": "Os dados do ERP, da importação {snapshot}, têm {days} dias.",
    "DOC-RES": "{count} pasta(s) de importações interrompidas, há mais de uma hora: {paths}.",
    "DOC-REN": "{count} pasta(s) de importação em curso ou interrompida há pouco: {paths}.",
    "DOC-LEN": "A Summit levou {milliseconds} ms para responder.",
    "DOC-RPL": "O relógio desta máquina difere {seconds} s do da Summit.",
    "DOC-RLV": "O relógio desta máquina difere {seconds} s do relógio do livro-razão.",
    "DOC-RPR": "O relógio do processador {pid} em {host} difere {seconds} s do relógio do livro-razão.",
    "DOC-RET": "O relógio voltou: o último registro do livro-razão está {seconds} s adiante dele.",
    "DOC-ADI": "O último registro do livro-razão está {seconds} s adiante; o relógio, hoje, confere com o da Summit.",
    "DOC-DES": "{setting} não é uma configuração conhecida e não tem efeito.",
    "DOC-AMO": "Conferidas as {examined} competências que mudaram por último, de {months}.",
    "DOC-ORF": "{count} arquivo(s) de ligações que ninguém lista, há mais de uma hora: {paths}.",
    "DOC-NOV": "{count} arquivo(s) de ligações ainda não listados, recentes: {paths}.",
    "DOC-IMP": "Ainda não há dados do ERP.",
    "DOC-LOC": "{count} processador(es) pararam sem se despedir; o que faziam volta à fila por si.",
    "DOC-PAU": "O lote {batch} está pausado ({code}).",
    "DOC-FEC": "A competência {month} está fechada e não é mais o que o fechamento congelou.",
    "DOC-AUD": "A auditoria não está íntegra: a linha {line} {what}.",
}
"""What the doctor says, by the code of an ``Observation``; other codes are those of errors."""
_DOCTOR_WORDS = {
    "DOC-DUP": {
        "items": "um item vivo",
        "charges": "uma cobrança viva",
        "values": "um valor eventual vivo",
        "events": "um evento de faturamento zerado",
    },
    "DOC-VAL": {
        "items": "item, cobrança e valor eventual",
        "charges": "cobrança e item",
        "values": "valor eventual e item",
        "zero": "item zerado e evento",
        "events": "evento de faturamento zerado e item",
    },
    "DOC-AUD": AUDIT_BREACHES,
}


DOCTOR_REPAIRS = {
    "DOC-INT": "Pare os processos e volte o último backup com “stfc restore”, em uma pasta vazia.",
    "DOC-IDX": "Pare os processos e volte o último backup; sem o índice, nada impede cobrar duas vezes.",
    "DOC-DUP": "Pare os processadores, estorne uma das duas com “stfc batches reverse” e abra um chamado.",
    "DOC-VAL": "Estorne a cobrança com “stfc batches reverse” e cobre de novo, ou volte o último backup.",
    "DOC-PRE": "Devolver os itens à fila; nenhuma tentativa se perde.",
    "DOC-PRT": "Volte o arquivo do último backup; sem ele, estorne o lote e cobre de novo.",
    "DOC-TAM": "Volte o arquivo do último backup; sem ele, estorne o lote e cobre de novo.",
    "DOC-SHA": "Volte o arquivo do último backup; sem ele, estorne o lote e cobre de novo.",
    "DOC-LIG": "Estorne a cobrança com “stfc batches reverse” e cobre de novo, ou volte o último backup.",
    "DOC-SOM": "Estorne a cobrança com “stfc batches reverse” e cobre de novo, ou volte o último backup.",
    "DOC-GRV": "Dê à conta do produto o direito de gravar na pasta, ou troque o disco.",
    "DOC-ESP": "Libere espaço no disco antes de gerar cobranças.",
    "DOC-TRB": "Inicie “stfc worker”.",
    "DOC-ROL": "Refazer as somas a partir das ligações.",
    "DOC-ROS": "Refazer as somas a partir das ligações.",
    "DOC-LOT": "Recalcular a situação dos lotes a partir dos itens.",
    "DOC-FUT": "Trazer as tentativas para agora; acerte o relógio antes.",
    "DOC-PAR": "Veja o log do processador e reinicie-o; o que ele fazia volta à fila por si.",
    "DOC-SNP": "Volte a pasta do último backup, ou importe os dados do ERP de novo.",
    "DOC-TAB": "Importe os dados do ERP de novo com “stfc import”.",
    "DOC-TLI": "Importe os dados do ERP de novo com “stfc import”.",
    "DOC-VEL": "Importe os dados atuais do ERP com “stfc import”.",
    "DOC-ORF": "Remover os arquivos: nenhuma cobrança os usa.",
    "DOC-NOV": "Nada a fazer: são de um processamento em curso, ou serão removidos.",
    "DOC-RES": "Remover as pastas: nenhuma importação as usa.",
    "DOC-REN": "Nada a fazer: são de uma importação em curso, ou poderão ser removidas depois.",
    "DOC-IMP": "Importe os dados do ERP com “stfc import”.",
    "DOC-LOC": "Esquecer esses processadores e devolver à fila o que faziam.",
    "DOC-PAU": "Resolva a causa; o lote continua por si, ou com “stfc batches retry”.",
    "DOC-FEC": "Alguém mexeu no livro-razão por fora: compare com o último backup e avise o gestor.",
    "DOC-AUD": "Alguém mexeu no livro-razão por fora: compare com o último backup e avise o gestor.",
    "DOC-LEN": "Se persistir, fale com quem opera a Summit ou a rede.",
    "DOC-RPL": "Acerte o relógio desta máquina (NTP); se ele estiver certo, avise quem opera a Summit.",
    "DOC-RLV": "Acerte os relógios desta máquina e do servidor do livro-razão (NTP).",
    "DOC-RPR": "Acerte o relógio da máquina do processador (NTP) e reinicie-o.",
    "DOC-RET": "Acerte o relógio desta máquina (NTP).",
    "DOC-ADI": "Nada a fazer: foi um relógio adiantado, e o tempo o alcança.",
    "DOC-DES": "Corrija o nome da variável, ou remova-a.",
    "DOC-AMO": "Rode “stfc doctor --all” para conferir toda a história.",
    "SUM-401": "Corrija STFC_SUMMIT_TOKEN.",
    "SUM-429": "Aguarde, e rode de novo.",
    "SUM-5XX": "Se persistir, abra um chamado na Summit.",
    "SUM-TMO": "Confira a rede até a Summit; se persistir, abra um chamado.",
    "SUM-NET": "Confira STFC_SUMMIT_URL e a rede até a Summit.",
    "SUM-CFG": "Defina STFC_SUMMIT_URL ou STFC_SUMMIT_DIR.",
    "CFG-INV": "Corrija a configuração no ambiente ou em stfc.toml.",
    "CFG-VER": "Use a versão do produto que gravou a pasta.",
    "ARM-ESC": "Confira o disco, as permissões e o endereço do livro-razão.",
}
"""What to do about what the doctor saw, by its code; where the doctor can do it, what ``--repair`` does."""
REPAIRED = {
    "sweep_orphans": "{count} arquivo(s) órfão(s) removido(s).",
    "remove_leftovers": "{count} pasta(s) de importações interrompidas removida(s).",
    "free_leases": "{count} item(ns) de processadores mortos de volta à fila.",
    "rebuild_rollups": "Somas dos gráficos de {count} competência(s) refeitas.",
    "refresh_batches": "{count} lote(s) com a situação recalculada.",
    "bring_forward": "{count} contrato(s) com a próxima tentativa trazida para agora.",
}
"""What a repair did, by its name."""


MONTH_STATES = {
    "open": "aberta",
    "partly_billed": "faturada em parte",
    "billed": "faturada",
    "closed": "fechada",
}
"""Where a competence stands in its life (PRODUCT 11)."""


PARAMETERS = {
    "retention_months": "Retenção das ligações",
    "second_person_reversal": "Segunda pessoa para estornar",
    "second_person_above": "Segunda pessoa para liberar retidas acima de",
    "approval_hours": "Validade de um pedido de segunda pessoa",
}
"""What each parameter (``domain.parameter``) is called."""
APPROVAL_STATUSES = {"pending": "à espera", "approved": "confirmado", "denied": "recusado", "expired": "vencido"}
APPROVAL_ACTIONS = {
    "batch.reverse": "estornar",
    "charge.rerate": "retarifar",
    "file.charge_again": "estornar e cobrar de novo pelo arquivo corrigido",
    "hold.release": "liberar cobranças retidas",
    "parameter.set": "mudar",
}
PLATFORM_STEPS = {"address": "Endereço", "connection": "Conexão", "token": "Token", "listing": "Listagem do mês"}
"""The steps of the platform's test (``services.platform_check``)."""
_PLATFORM_STEPS_SEEN = {
    "address": "{address}",
    "connection": "Responde; versão {version} da interface",
    "token": "Aceito",
    "listing": "{files} de {contracts} contratos com arquivo em {month}",
}


def platform_step(step: Any) -> str:
    """What a step of the platform's test saw, in a sentence (``services.platform_check.CheckedStep``)."""
    if step.ok is None:
        return "Não foi tentado: uma etapa anterior falhou."
    if step.error is not None:
        return error(step.error)
    facts = dict(step.facts)
    if "competence" in facts:
        facts["month"] = month(facts["competence"])
    return fill(_PLATFORM_STEPS_SEEN[step.step], facts)


def parameter_value(value: int, unit: str) -> str:
    """A parameter's value with its unit (``domain.parameter.Range``)."""
    if unit == "switch":
        return "sim" if value else "não"
    if unit == "centavos":
        return reais(Decimal(value) / 100) if value else "nunca"
    return _many(value, "mês", "meses") if unit == "months" else _many(value, "hora", "horas")


def approval_subject(approval: Any) -> str:
    """What a request asks for: ``estornar o lote 12: 3 cobranças, R$ 48,00`` (``ports.Approval``)."""
    shown = approval.shown
    if approval.action == "parameter.set":
        return _parameter_asked(shown)
    what = APPROVAL_ACTIONS[approval.action]
    if approval.action == "batch.reverse":
        contracts = approval.subject["contracts"]
        what += (
            f" o lote {approval.subject['batch']}"
            if contracts is None
            else (f" contratos do lote {approval.subject['batch']}")
        )
    if approval.action == "charge.rerate":
        what += f" {month(Competence.parse(shown['competence']))}"
    return f"{what}: {_many(shown['charges'], 'cobrança', 'cobranças')}, {_asked_amount(shown)}"


def approval_requested(facts: Mapping[str, Any]) -> str:
    """That an act waits for another manager (``errors.ApprovalRequestedError``)."""
    if facts["action"] == "parameter.set":
        what = _parameter_asked(facts)
    else:
        charges = _many(facts["charges"], "cobrança", "cobranças")
        what = f"{APPROVAL_ACTIONS[facts['action']]} ({charges}, {_asked_amount(facts)})"
    return f"Pedido {facts['approval']} registrado, nada mudou ainda: {what} espera a confirmação de outro gestor"


def _asked_amount(shown: Mapping[str, Any]) -> str:
    amount = reais(shown["amount"])
    return f"de {amount} para {reais(shown['new_amount'])}" if "new_amount" in shown else amount


def _parameter_asked(shown: Mapping[str, Any]) -> str:
    before, after = (parameter_value(shown[one], shown["unit"]) for one in ("before", "after"))
    return f"{APPROVAL_ACTIONS['parameter.set']} “{PARAMETERS[shown['name']]}” de {before} para {after}"


def let_go(calls: int, parts: int, octets: int) -> str:
    """What retention lets go, in a phrase."""
    return f"{_many(calls, 'ligação', 'ligações')} em {_many(parts, 'arquivo', 'arquivos')}, {size(octets)}"


def audit_verdict(verdict: Any) -> str:
    """Whether the audit trail is whole, in a sentence (``ports.AuditVerdict``)."""
    if verdict.broken is None:
        return f"Auditoria íntegra: {verdict.lines} linhas; hash da última: {verdict.hash}"
    return fill(DOCTOR["DOC-AUD"], {"line": verdict.broken, "what": AUDIT_BREACHES[verdict.breach]})


def observation(seen: Any) -> str:
    """What the doctor saw, in a sentence (``ports.Observation``)."""
    if seen.code not in DOCTOR:
        return sentence(seen.code, seen.facts)
    facts = dict(seen.facts)
    if "what" in facts:
        facts["what"] = _DOCTOR_WORDS[seen.code][facts["what"]]
    if "free" in facts:
        facts["free"] = f"{facts['free'] / (1 << 20):.0f} MB"
    return fill(DOCTOR[seen.code], facts)


# --- ERP import (ERP_IMPORT) ---------------------------------------------------------------------------------------

IMPORT_CAUSES = {
    "folder": "a pasta não existe ou não é uma pasta",
    "no_table": "a pasta não tem nenhuma das tabelas do ERP (contracts, services, lines, …)",
    "table_required": "a primeira importação precisa desta tabela, e a pasta não a tem",
    "twice": "a tabela está em .csv e em .parquet; deixe só um dos dois",
    "unreadable": "o arquivo não pôde ser lido: {reason}",
    "empty_file": "o arquivo está vazio; falta ao menos o cabeçalho",
    "encoding": "o texto não está em UTF-8",
    "control": "há um caractere de controle ou uma quebra de linha solta",
    "quotes": "há aspas mal fechadas",
    "separator": "as colunas devem ser separadas por vírgula, não por ponto e vírgula",
    "ragged": "a linha tem {found} campos; o cabeçalho tem {expected}",
    "column_missing": "falta a coluna",
    "column_unknown": "a coluna não existe nesta tabela",
    "column_twice": "a coluna aparece mais de uma vez no cabeçalho",
    "column_type": "o tipo {found} não serve para esta coluna",
    "required": "o campo não pode ficar vazio",
    "day": "“{value}” não é uma data no formato AAAA-MM-DD",
    "flag": "“{value}” não é 0 nem 1",
    "choice": "“{value}” não é um valor conhecido; use um de: {choices}",
    "integer": "“{value}” não é um número inteiro de {least} a {most}",
    "amount": "“{value}” não é um valor em reais como 123.45, sem sinal",
    "competence": "“{value}” não é uma competência no formato AAAA-MM",
    "document": "o documento não tem a forma de CPF (11 dígitos) nem de CNPJ (14 posições, letras só maiúsculas)",
    "number": "o número da linha deve ter só dígitos, de 8 a 15",
    "too_long": "o texto tem mais de {most} caracteres",
    "duplicate": "a chave já apareceu na linha {first} do arquivo",
    "unknown_contract": "o contrato {value} não existe em contracts",
    "unknown_service": "o serviço {value} não existe em services",
    "left_contract": "{rows} linha(s) de {table} da importação anterior ficariam sem contrato; a primeira é do {value}",
    "left_service": "{rows} linha(s) de {table} da importação anterior ficariam sem serviço; a primeira é do {value}",
    "other_contract": "o serviço {service} é do contrato {owner}, não do {contract}",
    "left_other_contract": "{rows} valor(es) da importação anterior citam serviço de outro contrato; o 1º é {value}",
    "since_until": "o início {since} não é anterior ao fim {until}",
    "overlap": "a vigência desta linha se sobrepõe à da linha {first} do arquivo, para o mesmo número",
    "check_digits": "os dígitos verificadores do CPF ou CNPJ não conferem",
    "file_ignored": "o arquivo não é de nenhuma tabela do ERP e foi ignorado",
}
"""Why a dump is refused, or what is odd in it, as ``ImportProblem`` and ``ImportWarning`` say it."""


def import_cause(cause: str, **facts: object) -> str:
    """The sentence of a key of ``IMPORT_CAUSES``; never with a phone number or a document in it."""
    return IMPORT_CAUSES[cause].format(**facts)


# --- Tariff plans (PLANS) -------------------------------------------------------------------------------------------

PLAN_CAUSES = {
    "encoding": "o arquivo não está em UTF-8",
    "toml": "não é TOML válido (linha {line}, coluna {column})",
    "no_plan": "o arquivo não tem nenhum [[plan]]",
    "unknown_key": "a chave não existe; aqui valem: {choices}",
    "required": "falta o valor, que é obrigatório",
    "empty": "o texto não pode ficar vazio",
    "not_text": "deve ser um texto entre aspas",
    "not_plain": "o texto não pode ter espaços nas pontas nem caracteres de controle",
    "too_long": "o texto tem mais de {most} caracteres",
    "not_day": "deve ser uma data sem aspas, como 2026-01-01",
    "choice": "“{value}” não é um valor conhecido; use um de: {choices}",
    "not_whole": "“{value}” não é um número inteiro",
    "range": "deve ficar entre {least} e {most}",
    "negative": "o valor não pode ser negativo",
    "amount_not_text": 'o valor em reais deve vir como texto entre aspas, como "0.0800", e não {value}',
    "amount": "“{value}” não é um valor em reais como 0.0800",
    "too_precise": "o valor tem mais de {places} casas decimais",
    "too_large": "o valor passa de R$ {most}",
    "not_table": "deve ser uma tabela",
    "not_tables": "deve ser uma lista de tabelas, cada uma entre colchetes duplos",
    "class": "a classe não existe; use uma de: {choices}",
    "class_unknown": "a classe UNKNOWN nunca tem preço, taxa, cadência nem franquia",
    "not_classes": "deve ser uma lista com ao menos uma classe",
    "class_twice": "uma classe aparece mais de uma vez",
    "prefix": "“{value}” não é o começo de um número internacional: só dígitos, sem zeros à frente, no máximo 15",
    "prefix_twice": "o prefixo {value} já apareceu neste plano",
    "version_twice": "a versão de {day} do plano {code} já está em plan[{first}]",
    "version_used": "a versão de {day} do plano {code} já foi usada em cobrança e não muda mais; o preço novo precisa "
    "de outra data em valid_from",
    "version_running": "a versão de {day} do plano {code} pode estar em uso por uma cobrança em execução; tente de "
    "novo quando ela acabar",
}
"""Why a file of plans is refused, as ``PlanProblem`` says it."""


def plan_cause(cause: str, **facts: object) -> str:
    """The sentence of a key of ``PLAN_CAUSES``."""
    return PLAN_CAUSES[cause].format(**facts)


# --- Our rating (PRODUCT 6, 7) ---------------------------------------------------------------------------------------


def rating_difference(facts: Mapping[str, Any]) -> str:
    """What a TAR-DIF finding says: both amounts and how far they are apart."""
    difference = _centavos(abs(facts["ours"] - facts["platform"]))
    return (
        f"A nossa tarifação ({facts['plan']}) dá {_centavos(facts['ours'])} e a Summit {_centavos(facts['platform'])}: "
        f"diferença de {difference}, além da tolerância de {reais(facts['tolerance'])}"
    )


def tariff_missing(facts: Mapping[str, Any]) -> str:
    """What a TAR-SEM finding says: how many calls have no price, and of which classes."""
    classes = ", ".join(CLASSES[one] for one in facts["classes"])
    return f"{_many(facts['calls'], 'ligação', 'ligações')} sem tarifa no plano {facts['plan']}: {classes}"


_PRICE_PLACES = Decimal("0.00000001")


def _exactly(amount: Decimal) -> str:
    return reais(amount.normalize())


def rerate_refusal(refusal: str) -> str:
    """Why a charge cannot give way to another (``Repriced.refusal``)."""
    if refusal == "invoiced":
        return "o valor já foi faturado; use complemento ou desconto"
    return f"não atende mais à regra: {RULES[refusal]}"


def rerate_note(one: Repriced) -> str:
    """What is to be known of a contract that is rated again, beside its figures."""
    match one.effect:
        case Effect.REFUSED:
            return rerate_refusal(one.refusal or "")
        case Effect.PRICES_ONLY if one.mode in (None, Mode.PLATFORM):
            return "cobra a Summit: só muda o preço que se mostra"
        case Effect.PRICES_ONLY:
            return "a cobrança não muda"
        case _:
            pass
    if isinstance(one.outcome, Held):
        return f"fica retida: {hold_reason(one.outcome.findings)}"
    if one.was is ItemOutcome.HELD:
        return "deixa de ser retida"
    return "" if one.effect is Effect.CHANGED else "nada muda"


def rerate_sum(sums: RerateTotals) -> str:
    """The totals of a preview: contracts, calls, and the three amounts that add up."""
    return (
        f"{_many(sums.contracts, 'contrato muda', 'contratos mudam')}, {_many(sums.calls, 'ligação', 'ligações')}: "
        f"cobrado {_centavos(sums.charged)}, novo {_centavos(sums.amount)}, diferença {_signed(sums.difference)}"
    )


def rerated(batch: int | None, sums: RerateTotals) -> str:
    """What a re-rating did."""
    if batch is None:
        return "Nada a retarifar: toda cobrança já é a dos planos de agora."
    return (
        f"Lote {batch}: {_many(sums.contracts, 'contrato retarifado', 'contratos retarifados')}, de "
        f"{_centavos(sums.charged)} para {_centavos(sums.amount)} ({_signed(sums.difference)})."
    )


def _signed(centavos: int) -> str:
    sign = "-" if centavos < 0 else "+" if centavos > 0 else ""
    return f"{sign}{_centavos(abs(centavos))}"


def price_steps(steps: PriceSteps) -> list[tuple[str, str]]:
    """How the price of a call came to be: for each step its name and a sentence, numbers masked."""
    said = [_number_step(steps), ("Classe", CLASSES[steps.call_class]), _band_step(steps)]
    if steps.version is None:
        return [*said, ("Plano", "Nenhuma versão do plano vale nesse dia: sem preço")]
    version = f"{steps.version.code}, versão de {day(steps.version.valid_from)}"
    said += [("Plano", version), _cadence_step(steps)]
    if steps.billed_seconds:
        said += [*(("Franquia", _allowance_step(steps, use)) for use in steps.uses), *_tariff_steps(steps)]
    return said


def _number_step(steps: PriceSteps) -> tuple[str, str]:
    dialled, number = mask_number(steps.dialled), mask_number(steps.number)
    return "Número", dialled if dialled == number else f"discado {dialled}, lido como {number}"


def _band_step(steps: PriceSteps) -> tuple[str, str]:
    why = f", feriado nacional ({steps.holiday})" if steps.holiday else ""
    start = steps.local_start
    return "Horário", f"{day(start.date())} às {start:%H:%M:%S} no fuso da linha{why}: {BANDS[steps.band]}"


def _cadence_step(steps: PriceSteps) -> tuple[str, str]:
    if steps.duration == 0:
        return "Cadência", "Não atendida: nada é cobrado"
    cadence = steps.cadence
    if not steps.billed_seconds:
        return "Cadência", f"{steps.duration} s, dentro da tolerância de {cadence.tolerance} s: nada é cobrado"
    counted = f"mínimo de {cadence.minimum} s, de {cadence.increment} em {cadence.increment} s"
    return "Cadência", f"{steps.duration} s; {counted}: {steps.billed_seconds} s tarifados"


def _allowance_step(steps: PriceSteps, use: AllowanceUse) -> str:
    rest = f", restam {steps.priced_seconds} s" if steps.priced_seconds else ", a ligação toda"
    return f"{_allowance(use.allowance)}{use.seconds} s sem custo{rest}"


def _allowance(allowance: Allowance | None) -> str:
    if allowance is None:
        return ""
    classes = ", ".join(CLASSES[one] for one in CLASSES if one in allowance.classes)
    whose = "da linha" if allowance.scope == "line" else "do contrato"
    return f"{allowance.minutes} min {whose} ({classes}): "


def _tariff_steps(steps: PriceSteps) -> list[tuple[str, str]]:
    tariff = steps.tariff
    if tariff is None or steps.exact is None or steps.price is None:
        return [("Tarifa", "O plano não tem preço para esta ligação")]
    if not steps.pays_connection:
        return [("Preço", f"Nada fica por pagar: {_centavos(steps.price)}")]
    country = tariff.country
    where = f" para {country.name or country.prefix} (prefixo {country.prefix})" if country else ""
    said = [("Tarifa", f"{_exactly(tariff.price)} por minuto{where}")]
    if tariff.connection:
        said.append(("Conexão", f"{_exactly(tariff.connection)} por ligação"))
    fee = f" + {_exactly(tariff.connection)}" if tariff.connection else ""
    shown = steps.exact.quantize(_PRICE_PLACES, ROUND_DOWN)
    exact = _exactly(shown) + ("" if shown == steps.exact else "…")
    said.append(("Valor exato", f"{_exactly(tariff.price)} × {steps.priced_seconds} s ÷ 60{fee} = {exact}"))
    cut = "" if steps.exact == Decimal(steps.price).scaleb(-2) else ", sem a fração de centavo"
    return [*said, ("Preço", f"{_centavos(steps.price)}{cut}")]


# --- The billing file (SUMMIT_API; PRODUCT 10) ----------------------------------------------------------------------

FILE_FIELDS = {
    "call_id": "identificador da ligação",
    "line": "linha",
    "caller": "número de origem",
    "called": "número discado",
    "started_at": "início da ligação",
    "duration": "duração",
    "class": "classe",
    "carrier": "operadora de destino",
    "csp": "CSP",
    "amount": "valor",
    "period_from": "início do período",
    "period_until": "fim do período",
    "generated_at": "data de geração",
    "records": "quantidade de registros",
    "billed_seconds": "soma das durações",
    "seconds": "soma das durações",
    "amount_micros": "soma dos valores",
}
"""Fields of a billing file, and the totals that a T line or a descriptor declares."""

FILE_CAUSES = {
    "empty_file": "o arquivo está vazio",
    "encoding": "o byte {value} não existe em UTF-8 nem em cp1252",
    "control": "há um caractere de controle ({value})",
    "header_missing": "falta a linha H no começo do arquivo",
    "version": "a versão “{value}” do formato não é conhecida",
    "other_contract": "o arquivo é de outro contrato ({value})",
    "competence": "“{value}” não é uma competência",
    "other_competence": "o arquivo é de outra competência ({value})",
    "period": "o período começa depois do fim ({value})",
    "fields": "o número de campos está errado ({value})",
    "line_kind": "o tipo de linha “{value}” não existe",
    "after_trailer": "há conteúdo depois da linha T",
    "trailer_missing": "falta a linha T no fim do arquivo",
    "gzip": "{value} não é um gzip legível",
    "gzip_cut": "{value} termina antes do fim do gzip",
    "too_large": "{value} passa do tamanho máximo de um arquivo",
    "empty": "{field} sem valor",
    "too_long": "{field} com {value} caracteres é longo demais",
    "number": "{field} “{value}” não é um número de telefone",
    "duration": "{field} “{value}” não é número",
    "count": "{field} “{value}” não é número",
    "date": "{field} “{value}” não é uma data",
    "instant": "{field} “{value}” não é data e hora com fuso",
    "amount": "{field} “{value}” não é um valor com até 6 casas decimais, sem sinal",
}
"""Why a file is not of the agreed form, by the ``cause`` of a ``FileFormatError``."""


def file_cause(facts: Mapping[str, Any]) -> str:
    """``Linha 87: duração “abc” não é número``, from the facts of a ``FileFormatError``."""
    named = {**facts, "field": FILE_FIELDS.get(facts.get("field", ""), "")}
    return f"Linha {facts['line']}: {fill(FILE_CAUSES[facts['cause']], named)}"


def totals_difference(facts: Mapping[str, Any]) -> str:
    """What an ARQ-TOT finding says: who declared what, and what the records come to."""
    source = "A linha T" if facts["source"] == "trailer" else "O descritor"
    parts = (
        f"{FILE_FIELDS[name]} {_figure(name, value)}, os registros somam {_figure(name, facts['found'][name])}"
        for name, value in facts["declared"].items()
    )
    return f"{source} declara {'; '.join(parts)}"


def line_finding(code: str, facts: Mapping[str, Any]) -> str:
    """What a CTR-LIN or CTR-DIV finding says: how many calls, and whose lines."""
    calls = _many(facts["calls"], "ligação", "ligações")
    if code == "CTR-DIV":
        return f"{calls} de linha que no dia era de outro contrato ({', '.join(facts['contracts'])})"
    return f"{calls} de linha que no dia não era de nenhum contrato ({', '.join(facts['lines'])})"


DETECTORS = {
    "amount_outlier": "Valor fora do histórico",
    "abroad_burst": "Rajada internacional",
    "night_burst": "Rajada noturna",
    "weekend_burst": "Rajada de fim de semana",
    "parallel_calls": "Chamadas simultâneas",
    "new_country": "País nunca chamado",
    "overdue_calls": "Ligação fora do prazo",
}
"""What each detector is called on the screen."""

_BURSTS = {
    "abroad_burst": "em 24 horas para o exterior",
    "night_burst": "em uma só noite",
    "weekend_burst": "em um só fim de semana",
    "parallel_calls": "ao mesmo tempo",
}


def anomaly(facts: Mapping[str, Any]) -> str:
    """What a CON-ANO finding says: the detector, what it saw and what the contract's past was."""
    name = facts["detector"]
    return f"{DETECTORS[name]}: {_anomaly_seen(name, facts)}"


def _anomaly_seen(name: str, facts: Mapping[str, Any]) -> str:
    if name == "amount_outlier":
        usual = f"o usual de {facts['months']} meses é {_centavos(facts['usual'])}"
        return f"{_centavos(facts['amount'])}, e {usual}"
    calls = _many(facts["calls"], "ligação", "ligações")
    if name == "new_country":
        return f"{calls} para {', '.join(facts['countries'])}, que o contrato nunca chamou"
    if name == "overdue_calls":
        return f"{calls} de antes do prazo para cobrar"
    before = f"o máximo antes foi {facts['before']}" if facts["before"] else "nunca houve antes"
    return f"{calls} {_BURSTS[name]}; {before}"


def _centavos(amount: int) -> str:
    return reais(Decimal(amount).scaleb(-2))


def _figure(name: str, value: int) -> str:
    return _micros(value) if name == "amount_micros" else f"{value:,}".replace(",", ".")


def _micros(amount: int) -> str:
    return reais(f"{Decimal(amount).scaleb(-6).normalize():f}")


def _totals_said(facts: Mapping[str, Any]) -> str:
    records = _many(facts["records"], "registro", "registros")
    return f"{records}, {_figure('seconds', facts['seconds'])} s, {_micros(facts['amount_micros'])}"


def _many(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}".replace(",", ".")


def _short_sha256(digest: str) -> str:
    return f"{digest[:4]}…{digest[-4:]}"


# --- The platform Summit (PRODUCT 10) ------------------------------------------------------------------------------

PLATFORM_CODES = frozenset({"SUM-5XX", "SUM-TMO", "SUM-NET"})
"""Codes whose facts carry a key of ``PLATFORM_CAUSES`` or ``PLATFORM_PHASES``."""

PLATFORM_CAUSES = {
    "address": "o endereço que ela deu não é válido",
    "connect": "ninguém atende no endereço configurado",
    "cut": "a resposta terminou antes do fim",
    "encoding": "a resposta veio em uma compactação desconhecida",
    "folder": "a pasta dos arquivos não pôde ser lida",
    "form": "a resposta não tem a forma combinada",
    "gzip": "a resposta compactada está corrompida",
    "gzip_cut": "a resposta compactada terminou antes do fim",
    "html": "veio uma página HTML no lugar dos dados",
    "json": "a resposta não é um JSON",
    "other_file": "o descritor é de outro contrato ou de outra competência",
    "other_host": "ela mandou buscar em outro servidor, o que foi recusado",
    "protocol": "a resposta não segue o HTTP",
    "redirect": "ela redireciona sem fim",
    "reset": "a conexão foi derrubada",
    "status": "HTTP {status}",
    "too_large": "a resposta passa do tamanho máximo",
    "unhealthy": "ela mesma diz que não está bem",
}
"""What the platform does to us, by the ``cause`` of a ``ServerFaultError`` or ``ConnectionBrokenError``."""

INTEGRATION_ERRORS = {
    "invalid_document": "o CPF ou CNPJ não é válido",
    "line_taken": "uma das linhas já é de outro assinante",
    "plan_unknown": "o plano não existe na plataforma",
}
"""Why the platform refuses a subscriber, by the code that it gives (SUMMIT_API)."""


def integration_error(code: str) -> str:
    """What an integration's error means: a code of the platform's, one of ours, or the ERP's own words as they are."""
    return INTEGRATION_ERRORS.get(code) or CODES.get(code, code)


PLATFORM_PHASES = {"connect": "ao conectar", "read": "à espera de dados", "whole": "para o arquivo inteiro"}
"""Where time ran out, by the ``phase`` of a ``PlatformTimeoutError``."""

SETTING_CAUSES = {
    "address": "não é um endereço como https://summit.exemplo.com.br",
    "unknown": "não existe uma configuração com este nome",
    "unreadable": "o valor não é da forma esperada",
    "login_incomplete": "falta para o login pelo provedor de identidade; defina todas as STFC_OIDC_… e STFC_PUBLIC_URL",
    "login_http": "deve ser um endereço https (http só vale para este computador)",
    "login_short": "deve ter ao menos 32 caracteres ao acaso",
    "login_address": "sem login configurado, a aplicação só escuta em 127.0.0.1",
    "readable": "guarda um segredo e outras contas da máquina podem lê-lo; rode “chmod 600” nele",
    "token": "o token tem caracteres que um cabeçalho HTTP não aceita",
    "two_platforms": "STFC_SUMMIT_URL também está definida; a pasta vale, a URL não",
    "heartbeat": "o sinal de vida deve caber ao menos duas vezes em STFC_LEASE, senão o prazo se perde com um atraso",
    "retry_most": "a maior espera é menor que a primeira (STFC_RETRY_FIRST)",
    "patience": "a paciência de um lote é maior que o tempo de um arquivo (STFC_FILE_TIMEOUT)",
}
"""Why a setting cannot be used, where the ``cause`` of a ``SettingsError`` is a key."""


def platform_cause(facts: Mapping[str, Any]) -> str | None:
    """``HTTP 503``, ``a resposta terminou antes do fim``: what a platform error's facts say."""
    cause = facts.get("cause")
    return fill(PLATFORM_CAUSES[cause], facts) if cause in PLATFORM_CAUSES else cause


# --- Forecast ------------------------------------------------------------------------------------------------------


def hindsight(forecast: BatchForecast, contracts: int) -> list[str]:
    """What those of a batch's ``contracts`` that have a forecast were expected to bring and, once some of them are
    charged, how what these came to compares."""
    value, low, high = (reais(plain(one)) for one in (forecast.value, forecast.low, forecast.high))
    of_all = f"{forecast.contracts} de {_many(contracts, 'contrato', 'contratos')}"
    said = f"Previsto na abertura, em {of_all}: {value}"
    parts = [said if low == high else f"{said} (entre {low} e {high})"]
    if forecast.settled:
        sign = "-" if forecast.difference < 0 else "+"
        came_to, expected = (reais(plain(one)) for one in (forecast.settled_amount, forecast.settled_expected))
        parts.append(f"em {_many(forecast.settled, 'já cobrado', 'já cobrados')}: {came_to} de {expected} previstos")
        parts.append(f"diferença {sign}{reais(plain(abs(forecast.difference)))}")
        share = 100 * forecast.within // forecast.settled
        parts.append(f"{forecast.within} de {forecast.settled} contratos dentro da faixa ({share}%)")
    return parts
