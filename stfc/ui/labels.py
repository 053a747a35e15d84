"""Words that only the screens say; sentences that the terminal says too stand in ``stfc.domain.text``."""

from dataclasses import dataclass
from typing import Final

from stfc.domain import text
from stfc.domain.role import Role

# The glossary's words, one place for screen and terminal.
STAGES: Final = text.STAGES
STATUSES: Final = text.STATUSES
INTEGRATIONS: Final = text.INTEGRATIONS
INVOICE_STATUSES: Final = text.INVOICE_STATUSES
CALL_CLASSES: Final = text.CLASSES
ROLES: Final = text.ROLES
LEVELS: Final = text.LEVELS
OUTCOME: Final = {**text.OUTCOMES, "reversed": "Estornado"}
BATCH_STATES: Final = {**text.BATCH_STATUSES, "pending": "Com pendências"}
RULES_SHORT: Final = {
    "approved": "Aprovado",
    "normal_status": "Status Normal",
    "active_summit_service": "Serviço ativo",
    "within_billing_window": "Vigência",
    "not_invoiced": "Já faturado",
    "no_charge": "Já cobrado",
    "no_eventual_value": "Valor eventual",
    "no_zero_billing_event": "Faturamento zerado",
}
CAUTIONS_SHORT: Final = {
    "cut_day_not_reached": "Corte não atingido",
    "no_line": "Sem linha",
    "integration_error": "Erro na integração",
    "no_plan": "Sem plano tarifário",
    "invoice_awaiting_note": "Fatura aguardando nota",
}

PRODUCT: Final = "Dashboard - STFC"
ROUTINE: Final = "Rotina"
CONSULTATION: Final = "Consulta e controle"


@dataclass(frozen=True)
class PageLabels:
    """A screen's words: ``file`` names it in ``pages/`` and ``data/help/``, ``path`` in the URL ("" for the first)."""

    file: str
    title: str
    path: str
    icon: str
    summary: str
    search: str = "Pesquisar contrato, cliente, documento ou linha"


OVERVIEW: Final = PageLabels(
    "overview",
    "Visão geral",
    "",
    ":material/dashboard:",
    "Indicadores da telefonia e andamento do faturamento da competência.",
)
CONTRACTS: Final = PageLabels(
    "contracts",
    "Contratos - Telefonia",
    "contratos",
    ":material/contract:",
    "Contratos com serviço de telefonia integrado à Summit, com integração e última cobrança.",
)
CONTRACT_DETAIL: Final = (
    "Tudo do contrato: linhas, ligações, faturas, cobranças, integração e por que está ou não na lista."
)
BILLING: Final = PageLabels(
    "billing",
    "Gerar Cobrança",
    "gerar-cobranca",
    ":material/receipt_long:",
    "Escolha o período e os contratos, confira a prévia e gere as cobranças da competência.",
)
TRACKING: Final = PageLabels(
    "tracking",
    "Gerar Cobrança - Acompanhamento",
    "acompanhamento",
    ":material/monitoring:",
    "Lotes enviados para cobrança, andamento, resultado de cada contrato e reprocessamento.",
    "Pesquisar por lote, contrato ou cliente",
)
CALLS: Final = PageLabels(
    "calls",
    "Registros de ligações",
    "ligacoes",
    ":material/perm_phone_msg:",
    "Todas as ligações cobradas, com totais da seleção e exportação.",
)
INVOICES: Final = PageLabels(
    "invoices",
    "Faturas fechadas",
    "faturas",
    ":material/description:",
    "Faturas dos contratos de telefonia, do ERP e da plataforma, por competência.",
)
MENU: Final = {ROUTINE: (OVERVIEW, CONTRACTS, BILLING, TRACKING), CONSULTATION: (CALLS, INVOICES)}

ROLES_MAY: Final = {
    Role.SUPERVISOR: "Consulta indicadores, contratos, ligações e faturas. Não dispara nada.",
    Role.OPERATOR: "Tudo o que o supervisor faz e também gera, reprocessa, cancela e estorna cobranças.",
    Role.MANAGER: "Tudo, e também decide cobranças retidas e vê a auditoria.",
}
SIGN_IN_TITLE: Final = "Quem está usando o Dashboard?"
SIGN_IN_HINT: Final = "O papel vale para este navegador, só neste computador, e pode ser trocado no pé do menu."
SIGN_IN: Final = "Entrar como {role}"
CHANGE_ROLE: Final = "Trocar o papel"
REFUSED_TITLE: Final = "Este papel não abre esta tela"
REFUSED: Final = "Ela pede o papel {needed}; você está como {role}."
NOT_LOOPBACK_TITLE: Final = "O papel local só vale neste computador"
NOT_LOOPBACK: Final = (
    "Este servidor atende outras máquinas e não há provedor de identidade configurado, então nenhuma tela abre."
)

SUMMARY: Final = "Resumo da rotina:"
DATA_OF: Final = "Dados de {clock}."
HELP: Final = "Ajuda"
REFRESH: Final = "Atualizar"
BACK: Final = "Voltar"
COMPETENCE: Final = "Competência"
PREVIOUS_MONTH: Final = "Competência anterior"
NEXT_MONTH: Final = "Próxima competência"
NO_HELP: Final = "Esta tela ainda não tem ajuda escrita."

SEARCH: Final = "Pesquisar"
FILTERS: Final = "Filtros"
ADVANCED: Final = "Filtro avançado"
APPLY: Final = "Aplicar filtros"
CLEAR: Final = "Limpar"
ANY: Final = "Todos"
YES: Final = "Sim"
NO: Final = "Não"

DOWNLOAD: Final = "Baixar"
EMPTY_TITLE: Final = "Nada a mostrar"
TABLE_VIEW: Final = "Ver como tabela"
CHART_VIEW: Final = "Ver como gráfico"
OPEN: Final = "Abrir"

NOT_CONFIGURED_TITLE: Final = "A integração STFC - Summit não está habilitada"
NOT_CONFIGURED: Final = (
    "Esta rotina só aparece com uma plataforma configurada. Quem administra o servidor habilita a integração com o "
    "endereço e a credencial da Summit (STFC_SUMMIT_URL e STFC_SUMMIT_TOKEN) ou com uma pasta de arquivos "
    "(STFC_SUMMIT_DIR), e reinicia o Dashboard."
)
NO_SNAPSHOT_TITLE: Final = "Nenhum dado do ERP foi importado ainda"
NO_SNAPSHOT: Final = (
    "Quem administra o servidor importa os contratos com o comando «stfc import PASTA». Depois disso, atualize."
)
ERROR_TITLE: Final = "Algo não saiu como devia."
ERROR: Final = "Nada foi gravado pela metade. Código {code}; o detalhe está no registro do servidor."
TRY_AGAIN: Final = "Tentar de novo"

PLATFORM_UP: Final = "Summit: no ar, {latency} ms"
PLATFORM_UP_PLAIN: Final = "Summit: no ar"
PLATFORM_DOWN: Final = "Summit: **fora do ar** {age}"
PLATFORM_UNKNOWN: Final = "Summit: sem contato ainda"
PLATFORM_NONE: Final = "Summit: não configurada"
WORKERS_RUNNING: Final = "Processador: {running} em execução"
WORKERS_IDLE: Final = "Processador: pronto"
WORKERS_PAUSED: Final = "Processador: pausado"
WORKERS_NONE: Final = "Processador: **parado**"
SNAPSHOT: Final = "ERP importado {age}"
NO_ERP: Final = "ERP ainda não importado"
BATCH: Final = "Lote {batch}"

OUTCOMES: Final = {
    "charged": "Cobrados",
    "zero": "Zerados",
    "held": "Retidos",
    "waiting_file": "Aguardando arquivo",
    "running": "Em execução",
    "waiting": "Na fila",
    "queued": "Na fila",
    "failed": "Falhas",
    "refused": "Recusados",
    "cancelled": "Cancelados",
    "to_bill": "A cobrar",
    "kept_out": "Fora da lista",
}
LOG_COLUMNS: Final = ("Hora", "Nível", "Etapa", "O que aconteceu", "Duração")
DOWNLOAD_FORMS: Final = {
    "xlsx": "Planilha (XLSX)",
    "csv": "Texto (CSV)",
    "parquet": "Parquet",
}
REASON: Final = "Motivo (obrigatório, fica na auditoria)"
REASON_MISSING: Final = "Escreva o motivo."
CANCEL: Final = "Cancelar"
