"""Words that only the screens say; sentences that the terminal says too stand in ``stfc.domain.text``."""

from dataclasses import dataclass
from typing import Final

from stfc.domain import text
from stfc.domain.correction import Remedy
from stfc.domain.role import Role

# The glossary's words, one place for screen and terminal.
STAGES: Final = text.STAGES
STATUSES: Final = text.STATUSES
INTEGRATIONS: Final = text.INTEGRATIONS
INVOICE_STATUSES: Final = text.INVOICE_STATUSES
CALL_CLASSES: Final = text.CLASSES
ROLES: Final = text.ROLES
LEVELS: Final = text.LEVELS
OUTCOME: Final = {**text.OUTCOMES, "reversed": "Estornado", "corrected": "Arquivo corrigido"}
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
    "Ligações dos arquivos lidos da Summit, com totais da seleção; números chamados mascarados.",
    "Pesquisar contrato, cliente, linha ou número",
)
INVOICES: Final = PageLabels(
    "invoices",
    "Faturas fechadas",
    "faturas",
    ":material/description:",
    "Faturas do ERP dos contratos de telefonia; as da própria Summit ficam em cada contrato.",
    "Pesquisar fatura, contrato, cliente ou documento",
)
RECONCILIATION: Final = PageLabels(
    "reconciliation",
    "Conferência",
    "conferencia",
    ":material/fact_check:",
    "Cobranças retidas antes de chegar ao cliente, da que põe mais dinheiro em risco para a menor.",
    "Pesquisar contrato, cliente, documento ou linha",
)
SETTINGS: Final = PageLabels(
    "settings",
    "Configurações e auditoria",
    "configuracoes",
    ":material/settings:",
    "Plataforma, planos, competências, parâmetros, pessoas, auditoria e armazenamento.",
    "Pesquisar quem, ato, alvo ou motivo",
)
MENU: Final = {
    ROUTINE: (OVERVIEW, CONTRACTS, BILLING, TRACKING),
    CONSULTATION: (CALLS, INVOICES, RECONCILIATION, SETTINGS),
}

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
LOGIN_TITLE: Final = "Entre para usar o Dashboard"
LOGIN_HINT: Final = "O acesso é pela conta da empresa, no provedor de identidade; depois você volta a este endereço."
LOGIN: Final = "Entrar"
LOGIN_AGAIN: Final = "Entrar novamente"
LOGIN_IDLE_TITLE: Final = "Sua sessão terminou por falta de uso"
LOGIN_OVER_TITLE: Final = "Sua sessão terminou"
LOGIN_ENDED: Final = "Nada do que estava em curso se perdeu; entre novamente e você volta a este endereço."
LOGIN_REFUSED: Final = "O provedor de identidade não confirmou a entrada, e nada foi aberto. Tente de novo. (USO-ENT)"
NO_ROLE_TITLE: Final = "Sua conta não tem acesso ao Dashboard"
NO_ROLE: Final = (
    "Você entrou como {name}, mas nenhum grupo da sua conta tem um papel aqui. "
    "Peça o acesso a quem administra o Dashboard (STFC_OIDC_ROLES). (USO-PER)"
)
LOGOUT: Final = "Sair"
NOT_LOOPBACK_TITLE: Final = "O papel local só vale neste computador"
NOT_LOOPBACK: Final = (
    "Este servidor atende outras máquinas e não há provedor de identidade configurado, então nenhuma tela abre."
)

SUMMARY: Final = "Resumo da rotina:"
DATA_OF: Final = "Dados de {clock}."
HELP: Final = "Ajuda"
HELP_CLOSE: Final = "Fechar a ajuda"
HELP_PICTURE: Final = "A tela {title}, com dados de demonstração"
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
WORKERS_NONE: Final = "Processador: **nenhum processo worker**"
WORKERS_NONE_HINT: Final = "Inicie «stfc worker» no servidor; a fila continua sozinha."
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
    "reversed": "Estornados",
    "to_bill": "A cobrar",
    "kept_out": "Fora da lista",
}
LOG_COLUMNS: Final = ("Hora", "Nível", "Etapa", "O que aconteceu", "Duração")
DOWNLOAD_FORMS: Final = {
    "xlsx": "Planilha (XLSX)",
    "csv": "Texto (CSV)",
    "parquet": "Parquet",
}
DOWNLOAD_ROWS: Final = ("linha", "linhas")
DOWNLOAD_WRITING: Final = "Preparando **{file}**: {done} de {total}"
DOWNLOAD_READY: Final = "**{file}** pronto: {total}, {size}"
DOWNLOAD_TAKE: Final = "Baixar {file}"
DOWNLOAD_DISCARD: Final = "Descartar"
DOWNLOAD_FAILED: Final = "**{file}** não foi feito. {cause}"
DOWNLOAD_DEFECT: Final = "O motivo está no registro do servidor."
DOWNLOAD_GONE: Final = "Este arquivo não está mais disponível. Volte à tela e baixe de novo."
SHEET_FULL: Final = (
    "Uma planilha comporta {most} linhas e a seleção tem {rows}. Baixe em CSV ou Parquet, ou restrinja o filtro."
)
REASON: Final = "Motivo (obrigatório, fica na auditoria)"
REASON_MISSING: Final = "Escreva o motivo."
CANCEL: Final = "Cancelar"

# --- Gerar Cobrança --------------------------------------------------------------------------------------------------

BILLING_STEPS: Final = ("Período", "Contratos", "Prévia", "Gerar")
BILLING_LIST: Final = "Elegíveis"
BILLING_OUT: Final = "Fora da lista"
NO_CAUTION: Final = "Sem avisos"
SELECTED: Final = ("selecionado", "selecionados")
PREVIEWED: Final = "conferida"
VERSUS_LAST: Final = "Valor previsto em relação à última cobrança do contrato."
EXPECTED: Final = (
    "Mediana dos últimos até 3 meses cobrados. A prévia consulta também os arquivos que a Summit já anunciou."
)
SELECT_ALL: Final = "Selecionar todos os {count} que atendem ao filtro"
SELECT_NONE: Final = "Limpar seleção"
PASTE: Final = "Colar lista de contratos"
PASTE_HINT: Final = "Números separados por espaço, vírgula, ponto e vírgula ou um por linha."
PASTE_CHECK: Final = "Conferir"
PASTE_TAKE: Final = "Selecionar {contracts}"
PASTE_FOUND: Final = "**{found}** de {pasted} na lista."
PASTE_UNKNOWN: Final = "{count} desconhecidos no ERP: {named}"
PASTE_NOT_ELIGIBLE: Final = "{count} fora da lista em {month}: {named}"
PREVIEW: Final = "Prévia"
PREVIEW_TITLE: Final = "Prévia da cobrança · {month}"
PREVIEW_BUSY: Final = "Consultando a Summit e o histórico…"
OPEN_BUSY: Final = "Abrindo o lote…"
BILL: Final = "Gerar Cobrança"
BILL_OF: Final = "Gerar Cobrança de {contracts}"
BILL_LOCK: Final = "O lote começa na hora. Depois de cobrado, um contrato só volta à lista por estorno, com motivo."
BILL_REFUSED: Final = "O papel {role} consulta a lista e a prévia; quem gera cobrança é {needed} ou {more}."
BILL_NO_WORKER: Final = "O processador está parado: o lote fica na fila até ele voltar."
BILL_PLATFORM_DOWN: Final = "A Summit está fora do ar: o lote espera até ela responder."
BATCH_OPENED: Final = "Lote {batch} aberto com {contracts} de {month}."
BATCH_OPENED_PART: Final = "Lote {batch} aberto com {contracts} de {month}; {refused} já não eram elegíveis."
BATCH_NOT_OPENED: Final = "Nenhum lote aberto: os contratos já não são elegíveis ({reasons})."
NOTHING_ELIGIBLE: Final = "Nenhum contrato elegível em {month}"
NOTHING_FOUND: Final = "Nenhum contrato elegível atende ao filtro"
SEE_REASONS: Final = "Ver motivos"
GO_TO_MONTH: Final = "Ir para {month}"
FOLLOW: Final = "Abrir o Acompanhamento"
SCOPE_NONE: Final = "Marque contratos na lista, cole uma lista ou selecione todos os que atendem ao filtro"
SCOPE_ALL: Final = "Todos os elegíveis, em todas as páginas"
SCOPE_FILTER: Final = "Todos os que atendem ao filtro, em todas as páginas"
SCOPE_PREVIEWED: Final = "valor da prévia"
SCOPE_OUTSIDE: Final = "{count} deles fora do filtro atual"
SCOPE_OUTSIDE_ONE: Final = "1 deles fora do filtro atual"
FROM_HISTORY: Final = "pelo histórico, sem consulta à Summit"
PREVIEW_NO_PLATFORM: Final = "A Summit não foi consultada ({code}): tudo vem do histórico."
PREVIEW_NO_SOURCE: Final = "sem arquivo anunciado e sem histórico"
PREVIEW_USUAL: Final = "mediana de até 3 meses"
BETWEEN: Final = "entre {low} e {high}"
WITHIN_RANGE: Final = "dentro"
OUTSIDE_RANGE: Final = "fora"
FORESEEN: Final = "previsto {amount} em {contracts}"
FORESEEN_CHANGE: Final = "em {contracts}: {change} sobre o previsto"
PREVIEW_CHANGE: Final = "{change} sobre o mês usual"
WARNINGS: Final = "Avisos"
NO_WARNINGS: Final = "Nenhum contrato com aviso."
SURPRISES: Final = "Maiores variações sobre o histórico"
NO_SURPRISES: Final = "Nada a comparar: a Summit ainda não anunciou valores, ou os contratos não têm histórico."
MAKES_A_BATCH: Final = "Cria um lote."
PASTE_FIELD: Final = "Números dos contratos"
REASONS: Final = "Motivos"
NOTHING_OUT: Final = "Nenhum contrato fora da lista"
NOTHING_OUT_WORDS: Final = "Todos os contratos que atendem ao filtro podem ser cobrados nesta competência."
NOTHING_FOUND_WORDS: Final = "A competência {month} tem {count}; nenhum atende ao que foi filtrado."
NOTHING_LATER: Final = "A lista enche de novo quando uma cobrança for estornada ou em outra competência."
NOTHING_AT_ALL: Final = "A importação atual do ERP não tem contrato com serviço Summit."
CLEAR_FILTER: Final = "Limpar o filtro"
REASON_CHARGED: Final = "Já tem cobrança na competência: {outcome}"
REASONS_SHORT: Final = {
    "active_summit_service": "Nenhum serviço Summit está ativo e não deletado",
    "within_billing_window": "A vigência de faturamento não alcança a competência",
    "not_invoiced": "Já há fatura da competência",
    "no_eventual_value": "Já há valor eventual da competência no serviço Summit",
    "no_zero_billing_event": "Já há evento de faturamento zerado na competência",
}
"""Why a rule keeps a contract out, where its evidence is not at hand."""
KEPT_OUT_SHORT: Final = {
    "approved": "Não aprovados",
    "normal_status": "Fora do Normal",
    "active_summit_service": "Sem serviço ativo",
    "within_billing_window": "Fora da vigência",
    "not_invoiced": "Já faturados",
    "no_charge": "Já cobrados",
    "no_eventual_value": "Valor eventual",
    "no_zero_billing_event": "Zerados",
}
KEPT_OUT_BY: Final = {
    "approved": "não aprovados",
    "normal_status": "fora do status Normal",
    "active_summit_service": "sem serviço Summit ativo",
    "within_billing_window": "fora da vigência",
    "not_invoiced": "já faturados",
    "no_charge": "já cobrados ou na fila",
    "no_eventual_value": "com valor eventual",
    "no_zero_billing_event": "com faturamento zerado",
}
"""Who each rule keeps out, in the plural, for counts."""

# --- Gerar Cobrança - Acompanhamento ---------------------------------------------------------------------------------

TRACKING_BATCHES: Final = "Lotes"
TRACKING_CONTRACTS: Final = "Contratos"
BATCH_NOUN: Final = ("lote", "lotes")
CONTRACT_NOUN: Final = ("contrato", "contratos")
SITUATION: Final = "Situação"
SITUATIONS: Final = {"execucao": "Em execução", "pendencias": "Com pendências", "concluidos": "Concluídos"}
ONLY_MONTH: Final = "Só {month}"
OPENED_BY: Final = "Gerado por"
OPENED_SINCE: Final = "Gerado a partir de"
OPENED_UNTIL: Final = "Gerado até"
ALL_OUTCOMES: Final = "todos"
PAUSED: Final = "Pausado: {code}"
PROGRESS_OF: Final = "de {total}"
QUEUED_FOR: Final = "na fila há {span}"
ABOUT_LEFT: Final = "faltam cerca de {span}"
LESS_LEFT: Final = "falta menos de 1 min"
LEFT: Final = "faltam {span}"
NEXT_TRY_IN: Final = "próxima tentativa em {span}"
NEXT_TRY_NOW: Final = "próxima tentativa agora"
REVERSED_NOUN: Final = ("estornado", "estornados")
BATCH_ACTIONS: Final = "Ações"
PROCESSING_LOGS: Final = "Logs de processamento"
RETRIES_ITSELF: Final = "Nada a fazer: {next_try}"
RETRIES_SOON: Final = "o processador tenta de novo sozinho"
NEXT_LOOK: Final = "nova consulta à Summit às {when}"
NEXT_LOOK_DAY: Final = "nova consulta à Summit em {when}"
RETRY: Final = "Reprocessar"
RETRY_FAILED: Final = "Reprocessar {failures}"
FAILURE_NOUN: Final = ("falha", "falhas")
RETRY_LIKELY: Final = "Reprocessar os {count} que podem dar certo"
RETRY_LIKELY_ONE: Final = "Reprocessar o que pode dar certo"
CHOSEN_NOUN: Final = ("escolhido", "escolhidos")
CHOSEN_ELSEWHERE: Final = "{count} fora deste filtro ou página"
CHOSEN_HINT: Final = "Marque contratos para reprocessar ou estornar só eles."
RETRY_COUNT: Final = "Reprocessar {count}"
RETRIED: Final = "{contracts} de volta à fila do lote {batch}."
NOTHING_RETRIED: Final = "Nada a reprocessar no lote {batch}: nenhum contrato falhou ou espera arquivo agora."
RESUMED: Final = "Tentando de novo: {batches}."
CANCEL_QUEUED: Final = "Cancelar {count} na fila"
CANCEL_WAITING_FILE: Final = "Cancelar {count} sem arquivo"
CANCEL_BOTH: Final = "Cancelar {count} que esperam"
CANCEL_TITLE: Final = "Cancelar o que não começou"
CANCEL_FACTS: Final = (
    "Competência **{month}** · lote **{batch}** · **{contracts}** ({queued} na fila, {without_file} sem arquivo)"
)
CANCEL_LOCK: Final = "Nada foi gravado para eles; voltam à lista de Gerar Cobrança. O que já foi cobrado não muda."
CANCELLED: Final = "Cancelado no lote {batch}: {contracts}. Nada foi gravado para eles."
NOTHING_CANCELLED: Final = "Nada a cancelar no lote {batch}: nenhum contrato espera mais."
REVERSE: Final = "Estornar"
REVERSE_COUNT: Final = "Estornar {charges}"
REVERSE_TITLE: Final = "Estornar cobranças do lote {batch}"
REVERSE_ONE_TITLE: Final = "Estornar a cobrança do contrato {contract}"
REVERSE_FACTS: Final = (
    "Competência **{month}** · **{charges}** · **{amount}**  \nLote {batch}, gerado por {who} em {when}."
)
REVERSE_CHOSEN_FACTS: Final = (
    "Competência **{month}** · **{charges}** · **{amount}**  \nContratos escolhidos do lote {batch}: {contracts}."
)
AND_MORE: Final = "{names} e mais {count}"
REVERSE_ONE_FACTS: Final = (
    "Competência **{month}** · **1 cobrança** · **{amount}**  \nContrato {contract}, {customer}. Lote {batch}."
)
REVERSE_VERB: Final = "Estornar {amount}"
REVERSE_LOCK: Final = (
    "Exclui o valor eventual, ou o evento de faturamento zerado, e o contrato volta à lista. Só vale enquanto "
    "o valor não foi faturado."
)
REVERSE_SECOND: Final = "Outro gestor precisa confirmar; nada é estornado até lá."
HELD_KEPT: Final = "Fora: {charges}, que só um gestor estorna."
REVERSED: Final = "Estorno feito no lote {batch}: {charges}, {amount}. De volta à lista de Gerar Cobrança."
NOTHING_REVERSED: Final = "Nada a estornar no lote {batch}: não há cobrança viva."
HOLD_ACTS: Final = {"release": "Liberar", "reject": "Rejeitar"}
HOLD_TITLES: Final = {
    "release": "Liberar a cobrança retida do contrato {contract}",
    "reject": "Rejeitar a cobrança retida do contrato {contract}",
}
HOLD_LOCKS: Final = {
    "release": "A cobrança passa a valer e o valor eventual segue para o ERP na próxima exportação.",
    "reject": "Nada é cobrado, as ligações saem de todos os totais e o contrato volta à lista de Gerar Cobrança.",
}
HOLD_DONE: Final = {
    "release": "Liberada a cobrança do contrato {contract}: {amount}.",
    "reject": "Rejeitada a cobrança do contrato {contract}: {amount} não serão cobrados. De volta à lista.",
}
HOLD_GONE: Final = "A cobrança do contrato {contract} não espera mais decisão."
HOLDS_REFUSED: Final = "Liberar e rejeitar pedem o papel {needed}; você está como {role}."
CHARGE_NOUN: Final = ("cobrança", "cobranças")
DOWNLOAD_BATCH: Final = "Baixar CSV"
DOWNLOAD_LOG: Final = "Baixar log"
OPEN_CONTRACT: Final = "Abrir contrato"
ACTS_REFUSED: Final = "Reprocessar, cancelar e estornar pedem o papel {needed}; você está como {role}."
BY_CAUSE: Final = "por causa"
CAUSE_COLUMNS: Final = ("Código", "Causa", "Contratos", "O que fazer", "Reprocessar resolve?")
CHANCES: Final = {
    "itself": "Tenta sozinho",
    "now": "Pode dar certo",
    "file": "Quando o arquivo chegar",
    "fixed": "Só depois de corrigir",
    "never": "Não",
}
"""Whether a retry can succeed, by ``tracking.Cause.chance``."""
ONLY_CAUSE: Final = "Ver só estes contratos"
NO_CAUSES: Final = "Nenhum destes contratos tem pendência."
SEARCH_CONTRACT: Final = "Pesquisar contrato ou cliente"
NO_ITEM_FOUND: Final = "Nenhum contrato do lote atende a este filtro."
NO_LOG: Final = "Ainda não há passos: o contrato espera a vez."
PICK_CONTRACT: Final = "Escolha um contrato para ler o log."
TRIES: Final = ("tentativa", "tentativas")
NO_BATCH_TITLE: Final = "Nenhum lote enviado para cobrança ainda"
NO_BATCH: Final = (
    "Cada Gerar Cobrança abre um lote, e ele aparece aqui com o andamento e o log de cada contrato. Em {month} "
    "há **{contracts}** na lista de Gerar Cobrança."
)
NO_BATCH_FOUND: Final = "Nenhum lote atende ao filtro"
NO_BATCH_FOUND_HINT: Final = "Há {batches} ao todo. Limpe o filtro para ver todos."
NO_SENT_FOUND: Final = "Nenhum contrato enviado atende ao filtro"
NO_SENT_FOUND_HINT: Final = "Há {contracts} enviados ao todo, em {batches}."
PLATFORM_SILENT: Final = (
    "**A Summit não responde{since}.** {batches}; nenhuma tentativa foi gasta e nada foi cobrado pela metade."
)
PAUSED_ONE: Final = "O lote {batch} está pausado"
PAUSED_MANY: Final = "O lote {batch} e mais {count} estão pausados"
PAUSED_SINCE: Final = " desde {when}"
PLATFORM_AGAIN: Final = "Código {code}: {cause}. Tudo continua sozinho quando ela responder{check}."
NEXT_CHECK: Final = "; nova verificação em {span}"
PAUSES: Final = {
    "SUM-401": (
        "**A Summit recusa a credencial{since}.** {batches}; nenhuma tentativa foi gasta, nada ficou pela metade.",
        "Código {code}: assim nenhum arquivo chega, e nada continua sozinho. Quem administra o servidor corrige o "
        "token da Summit; depois disso, tente agora.",
    ),
    "SUM-429": (
        "**A Summit pediu para esperar{since}.** {batches}; nenhuma tentativa foi gasta.",
        "Código {code}: nada a fazer. Tudo continua sozinho quando passar o prazo que ela deu{check}.",
    ),
    "ARM-ESC": (
        "**O disco não aceita gravação{since}.** {batches}; nenhuma tentativa foi gasta, nada ficou pela metade.",
        "Código {code}: disco cheio, só de leitura ou com defeito. Quem administra o servidor libera espaço; depois "
        "disso tudo continua sozinho.",
    ),
}
"""Sentence and detail of a pause by its code; other codes say that the platform is silent."""
DISK_REFUSES: Final = "**O disco não aceita gravação{since}.** Nenhuma cobrança anda; nada ficou pela metade."
DISK_HINT: Final = (
    "Código ARM-ESC, em {place}: {cause}. Quem administra o servidor libera espaço ou troca o disco; depois disso tudo "
    "continua sozinho."
)
DISK_CAUSES: Final = {
    "No space left on device": "sem espaço livre",
    "Disk quota exceeded": "a cota acabou",
    "Read-only file system": "só permite leitura",
    "Permission denied": "sem permissão de gravar",
}
"""Why a disk refuses, in the system's words and in ours."""
SLOWED: Final = "**A Summit pediu para ir mais devagar.** Nada lhe é pedido até {clock}, nem pelos outros processos."
SLOWED_HINT: Final = "Código SUM-429. Nada a fazer: tudo continua sozinho em {span}, e nenhuma tentativa se gasta."
SEE_BATCH: Final = "Ver lote {batch}"
TRY_NOW: Final = "Tentar agora"
TRY_NOW_REFUSED: Final = " Tentar agora pede o papel {needed}."
NO_WORKER: Final = "**O processador está parado.** Na fila à espera dele: {batches}; nada se perde."
NO_WORKER_HINT: Final = (
    "Quem administra o servidor inicia o processador com o comando «stfc worker»; os lotes continuam sozinhos."
)
UNKNOWN_BATCH: Final = "**O lote {batch} não existe.**"
UNKNOWN_BATCH_HINT: Final = (
    "O endereço aponta para um lote que este servidor não tem. A lista abaixo mostra os que existem."
)

# --- Contratos - Telefonia -------------------------------------------------------------------------------------------

OPEN_ROW: Final = "Abre o contrato"
LINES_VALID: Final = "Linhas vigentes na competência"
LAST_CHARGE: Final = "Última cobrança dos 12 meses até a competência"
DELETED: Final = "Deletado"
WITHOUT_PLAN: Final = "Sem plano"
OUTCOME_IN_MONTH: Final = "Desfecho na competência"
COVERAGE_IN_MONTH: Final = "Situação na competência"
OUT_BY_RULE: Final = "Fora da lista pela regra"
WITH_DELETED: Final = "Incluir deletados"
NO_CONTRACTS: Final = "Nenhum contrato de telefonia"
NO_CONTRACT_FOUND_TITLE: Final = "Nenhum contrato atende ao filtro"
NO_CONTRACT_FOUND: Final = "Há {count} ao todo; nenhum atende ao que foi filtrado."
CONTRACT_OUTSIDE: Final = (
    "O contrato **{contract}** existe no ERP, mas não aparece aqui: outro filtro o esconde, ou ele não tem serviço "
    "Summit que não esteja deletado."
)
WHY_CONTRACT: Final = "Ver por que {contract} não está na lista"
CONTRACT_TABS: Final = ("Linhas", "Ligações", "Faturas", "Cobranças", "Integração", "Por que não está na lista?")
CONTRACT_TITLE: Final = "Contrato {contract}"
NO_SUMMIT_SERVICE: Final = "Sem serviço Summit"
UNKNOWN_CONTRACT: Final = "**O contrato {contract} não existe na importação atual do ERP.**"
UNKNOWN_CONTRACT_HINT: Final = (
    "ERP importado em {when}. Confira o número, ou espere a próxima importação se o contrato é novo. (USO-NAO)"
)
ALL_CONTRACTS: Final = "Todos os contratos"
SEARCH_IT: Final = "Pesquisar"

LINE_NOUN: Final = ("linha", "linhas")
LINE_STATES: Final = {"valid": "Vigente", "past": "Encerrada", "future": "Ainda não começou", "deleted": "Deletada"}
LINE_LAST_DAY: Final = "Último dia em que a linha é do contrato"
NO_LINES: Final = "Contrato sem linha"
NO_LINES_WORDS: Final = (
    "O ERP não tem nenhuma linha nos serviços Summit deste contrato. Ele pode ser cobrado, mas as ligações que vierem "
    "no arquivo ficam retidas para conferência."
)
CALL_NOUN: Final = ("ligação", "ligações")
CALL_MARKS: Final = {"late": "Anterior ao período", "CTR-LIN": "Linha sem contrato", "CTR-DIV": "Linha de outro"}
CALLS_CHARGED: Final = "{outcome}: {amount} no lote {batch}"
NO_CALLS: Final = "Nenhuma ligação em {month}"
NO_CALLS_BECAUSE: Final = {
    "charged": "O arquivo de {month} foi cobrado sem ligações.",
    "zero": "O arquivo de {month} veio sem ligações, e o faturamento saiu zerado.",
    "held": "O arquivo de {month} está retido, sem ligações guardadas.",
    "waiting_file": "A Summit ainda não fechou o arquivo de {month}; as ligações chegam com ele.",
    "failed": "A cobrança de {month} falhou e nada foi gravado; o motivo está em Cobranças.",
    "queued": "O contrato está na fila de cobrança de {month}; as ligações chegam com o arquivo.",
    "to_bill": "As ligações chegam com o arquivo da Summit, quando a cobrança de {month} for gerada.",
    "kept_out": "As ligações chegam com o arquivo da Summit, e o contrato está fora da lista de cobrança de {month}.",
}

CHARGE_ROW_NOUN: Final = ("item", "itens")
OPEN_BATCH: Final = "Abre o lote no Acompanhamento, com o log do contrato"
CHARGED_IN: Final = "**{total}** em **{months}**, de 13 até {month}; estornos fora da soma."
NO_CHARGES: Final = "Nenhuma cobrança ainda"
NO_CHARGES_WORDS: Final = "O contrato não foi enviado para cobrança em nenhuma das 13 competências até {month}."
RULE_FAILED: Final = "Deixou de atender: {rule}"
HAS_LATE_CALLS: Final = "Inclui ligações anteriores ao período do arquivo"
VALUES: Final = "Valores eventuais"
VALUE_KINDS: Final = {"addition": "Acréscimo", "discount": "Desconto"}
VALUE_STATES: Final = {"live": "A faturar", "invoiced": "Faturado", "held": "Retido", "deleted": "Excluído"}
NO_SERVICE: Final = "Sem serviço"
OWN: Final = "Dashboard"
ERP: Final = "ERP"
EVENTS: Final = "Eventos de faturamento zerado"
EVENT_STATES: Final = {"live": "Vale", "reversed": "Estornado"}

BILL_STATUSES: Final = {"open": "Aberta", "closed": "Fechada", "paid": "Paga", "cancelled": "Cancelada"}
ASKING_PLATFORM: Final = "Consultando as faturas na Summit…"
PLATFORM_INVOICES_FAILED: Final = "**As faturas da Summit não puderam ser consultadas.** {error}"
ONLY_ERP: Final = "As faturas do ERP continuam abaixo."
BOTH_SOURCES: Final = "Faturas do ERP e da Summit, por competência, e a diferença (ERP menos Summit)"
PLATFORM_ASKED: Final = "Summit consultada às {clock}."
NO_INVOICES: Final = "Nenhuma fatura"
NO_INVOICES_WORDS: Final = "Nem o ERP nem a Summit têm fatura deste contrato nas 12 competências até {month}."
BILL_ITEMS: Final = "Itens de {count} da Summit"
OLDER_INVOICES: Final = "Mais {count} do ERP em outras competências"

RESEND: Final = "Reenviar integração"
RESEND_REFUSED: Final = "Reenviar a integração pede o papel {needed}; você está como {role}."
SENDING: Final = "Enviando o assinante à Summit…"
SENDS: Final = (
    "Reenviar manda à Summit cliente, documento, dia de corte, plano e {lines}; repetir não cria outro assinante."
)
NO_SUMMIT_SERVICES: Final = "O contrato não tem serviço Summit no ERP."
RESENT: Final = "Integração do contrato {contract} reenviada: a Summit aceitou."
NOT_RESENT: Final = "Integração do contrato {contract} não aceita. {answer}"
ACCEPTED: Final = "Assinante aceito"
SERVICE_STATES: Final = {"active": "Ativo", "inactive": "Inativo", "deleted": "Deletado"}
PROVISIONING_RESULTS: Final = {"integrated": "Aceito", "error": "Recusado"}
PROVISIONING_HISTORY: Final = "Envios feitos aqui"
NO_PROVISIONING: Final = "Nenhum envio feito por este Dashboard; o estado acima é o que o ERP informa."

EIGHT_RULES: Final = "As oito regras da lista de cobrança, com a evidência"
CHECK_OTHER_MONTH: Final = "Conferir outra competência"
IN_LIST: Final = "Na lista de {month}: atende às 8 regras."
IN_LIST_HINT: Final = "Pode ser cobrado."
OUT_OF_LIST: Final = "Fora da lista de {month} por {failed} de 8 regras."
TO_ENTER: Final = "Para entrar: {ways}."
NO_WAY: Final = "Nada a fazer: {month} já foi faturado."
WAY_DELETED: Final = "restaurar o contrato, que foi deletado no ERP"
WAY_ERP: Final = {
    "no_eventual_value": "excluir o valor eventual {names} no ERP",
    "no_zero_billing_event": "estornar o evento {names} no ERP",
}
BILLED_IN: Final = "{outcome} em {month}."
OPEN_THE_BATCH: Final = "Abrir lote {batch}"
CONTRACT_DELETED: Final = "Contrato deletado"
CONTRACT_LIVE: Final = "Contrato não deletado"
SERVICE_SAID: Final = "Serviço {service} · {title}"
SERVICE_OFF: Final = {True: " (deletado)", False: " (inativo)"}
MONTH_SPAN: Final = "Competência de {first} a {last}"
LAST_ONE: Final = "Última"
FROM_OWN: Final = "do Dashboard"
FROM_ERP: Final = "do ERP"
VALUE_DELETED: Final = "{value} foi excluído"
VALUE_WITHOUT_SERVICE: Final = "{value} não tem serviço"
CAUTIONS_SAY: Final = "Avisos que não tiram da lista:"
NO_CAUTIONS: Final = "Nenhum aviso: dia de corte {day} já passou, há linha e plano, integração sem erro."
CHECKED_AT: Final = "Verificado em {when}, revisão {revision}, importação {snapshot} do ERP."

INDICATORS: Final = {
    "new_subscribers": "Novos Assinantes",
    "integration_errors": "Erro na Integração",
    "not_invoiced": "Não Faturados",
    "amount": "Valor cobrado",
    "calls": "Registros lidos",
    "held": "Em Conferência",
}
INDICATOR_DEFINITIONS: Final = {
    "new_subscribers": "Contratos com ao menos um serviço Summit integrado dentro da competência.",
    "integration_errors": "Contratos com erro em aberto: a última integração falhou, ou o último item de cobrança da "
    "competência falhou. Um sucesso posterior do mesmo tipo limpa o erro. O ERP não guarda o histórico da integração: "
    "nos meses anteriores contam os erros de integração abertos hoje.",
    "not_invoiced": "Contratos com serviço Summit ativo, dentro da vigência e sem fatura na competência: a lista de "
    "Gerar Cobrança mais os que cada regra mantém fora.",
    "amount": "Soma das cobranças da competência que não foram estornadas; as retidas não entram.",
    "calls": "Ligações dos arquivos já lidos da competência, sem repetições; as das cobranças retidas contam.",
    "held": "Cobranças retidas, que esperam uma decisão antes de chegar ao cliente.",
}

# --- Registros de ligações -------------------------------------------------------------------------------------------

OPEN_CALL: Final = "Abre todos os campos do registro"
LATE_CALLS: Final = "Só anteriores ao período"
DIVERGENT_CALLS: Final = "Só de linha divergente"
DURATION_HINT: Final = "90, 1:30 ou 1 min 30 s"
CALLS_BY_DAY: Final = "Ligações por dia"
WITH_FILE: Final = "de {count} dos {total} contratos"
TINY_SHARE: Final = "menos de 0,1%"
IN_ALL_MONTHS: Final = "em todas as competências"
SOUGHT_NUMBER: Final = "Pesquisa por linha ou número chamado: **{number}**"
SOUGHT_CONTRACT: Final = "Pesquisa pelo contrato **{contract}**, {customer}"
SOUGHT_CONTRACTS: Final = "Pesquisa por **{contracts}** que atendem a essas palavras"
NO_CALL_FOUND: Final = "Nenhuma ligação atende ao filtro"
NO_CALL_OF: Final = "{month} tem {calls}; nenhuma atende ao que foi filtrado."
NO_CALL_IN_PERIOD: Final = "Nenhuma competência já lida tem ligação nesses dias que atenda ao resto do filtro."
PERIOD_REVERSED: Final = "O período pedido começa em {since} e termina antes, em {until}."
NOBODY_SOUGHT: Final = "Nenhum contrato, cliente ou documento do ERP atende a “{words}”."
NO_FILE_YET: Final = (
    "As ligações chegam com os arquivos da Summit, quando a cobrança é gerada. Em {month}, {contracts}."
)
CONTRACTS_WAIT: Final = "contratos sem arquivo: {parts}"
NOBODY_WAITS: Final = "nenhum contrato espera por arquivo"
WAITS_AS: Final = {
    "to_bill": "a cobrar",
    "queued": "na fila",
    "waiting_file": "à espera do arquivo",
    "failed": "com falha",
}
CALL_AT: Final = "Ligação de {when}"
CALL_FIELDS: Final = ("Campo", "Valor")
CALL_SECTIONS: Final = ("Quem ligou para quem", "Classe", "Cobrança")
PRICE_SECTION: Final = "Como o preço foi formado"
PRICE_STEP: Final = ("Passo", "Conta")
PLATFORM_PRICE: Final = "Cobrado pela Summit"
PRICE_DIFFERENCE: Final = "Diferença"
PRICES_AGREE: Final = "nenhuma: os dois valores são iguais"
OURS_IS_MORE: Final = "{amount} a mais na nossa conta"
OURS_IS_LESS: Final = "{amount} a menos na nossa conta"
NO_PRICE_PROOF: Final = "O contrato não tinha plano tarifário em vigor: vale o valor informado pela Summit."
PRICE_PROOF_BROKEN: Final = "O preço guardado com a ligação é {ours}, e os passos acima não levam a ele."
CLASSES_AGREE: Final = "As duas classes são iguais"
CLASSES_DIFFER: Final = "As duas classes diferem"
LATE_SAID: Final = "Começou antes do período do arquivo; cobrada na competência dele"
FOR_LINE_CLOCK: Final = "{start}, no horário da linha"
REVEAL: Final = "Revelar número"
REVEAL_HINT: Final = (
    "O número completo aparece só aqui, até esta gaveta fechar. Quem, quando e o motivo ficam na auditoria."
)
REVEALED: Final = "Número completo até esta gaveta fechar; a revelação está na auditoria."
REVEAL_EXPORT: Final = "Exportar com números completos"
REVEAL_EXPORT_FACTS: Final = (
    "**{calls}** {month}, números chamados por inteiro, em **{form}**  \n:gray[Filtro: {filter}]"
)
REVEAL_EXPORT_MONTH: Final = "de **{month}**"
REVEAL_EXPORT_ALL: Final = "de **todas as competências** do período"
REVEAL_EXPORT_WHOLE: Final = "nenhum, a competência inteira"
REVEAL_EXPORT_WARNING: Final = (
    "O arquivo identifica quem foi chamado. Quem, quando, a contagem e o filtro ficam na auditoria antes dele."
)
UNKNOWN_CALL: Final = "Este registro não está entre os que valem: a cobrança dele foi estornada, ou o endereço mudou."
SEE_ITS_CALLS: Final = "Ver ligações do contrato"

# --- Faturas fechadas ------------------------------------------------------------------------------------------------

INVOICE_NOUN: Final = ("fatura", "faturas")
OPEN_INVOICE: Final = "Abre a fatura"
ALL_MONTHS: Final = "Todas as competências"
MONTHS: Final = "Competências"
INVOICES_OF_ERP: Final = ("fatura do ERP", "faturas do ERP")
INVOICE_PILLS: Final = {
    "closed": "Fechadas",
    "paid": "Pagas",
    "open": "Abertas",
    "awaiting_note": "Aguardando nota",
    "cancelled": "Canceladas",
}
OTHER_STATUSES: Final = "Outras situações"
ANY_STATUS: Final = "em qualquer situação"
OVERDUE: Final = "{invoices} no valor de {amount} com vencimento antes de hoje e ainda não pagas"
NO_INVOICE: Final = "Nenhuma fatura {statuses} em {month}"
NO_INVOICE_FOUND: Final = "Nenhuma fatura atende ao filtro"
ERP_IS_OF: Final = "O ERP foi importado em {when}."
ELSEWHERE: Final = "Em outras competências ou situações, **{invoices}** atendem à pesquisa."
NOWHERE: Final = "Nem em outra competência ou situação há fatura que atenda à pesquisa."
SEE_ELSEWHERE: Final = "Ver em todas as competências e situações"
INVOICE_TITLE: Final = "Fatura {invoice}"
ITS_VALUES: Final = "Valores eventuais da competência"
ITS_CHARGE: Final = "Cobrança de {month}"
NO_VALUE: Final = "Nenhum valor eventual de {month} está ligado ao contrato."
NOT_CHARGED_HERE: Final = "Este Dashboard não tem cobrança viva de {month} deste contrato."
UNKNOWN_INVOICE: Final = "A importação atual do ERP não tem a fatura {invoice}."
ERP_SOURCE: Final = "ERP, importado em {when}"

# --- Visão geral -----------------------------------------------------------------------------------------------------

CLASS_GROUPS: Final = {
    "LOCAL": "Local",
    "VC1": "VC1",
    "LDN": "LDN",
    "VC2-VC3": "VC2/VC3",
    "LDI": "LDI",
    "OUTRAS": "Outras",
}
"""Classes as the overview's charts have them: at most six colours."""
CLASS: Final = "Classe"
STATE: Final = "UF"
PLAN: Final = "Plano"
CONTRACT: Final = "Contrato"
DESTINATION: Final = "Destino"
WEEKDAY: Final = "Dia da semana"
HOUR: Final = "Hora"
VERSUS: Final = "vs. {month}"
NEW_NOTE: Final = "{share} de {contracts}"
ERRORS_NOTE: Final = "{provisioning} na integração, {billing} na cobrança"
ERRORS_BOTH: Final = "{provisioning} na integração, {billing} na cobrança ({both} em ambas)"
NOT_INVOICED_NOTE: Final = "{eligible} na lista, {kept} mantidos fora"
AMOUNT_NOTE: Final = "{charged} de {total} contratos cobrados ({share})"
CALLS_NOTE: Final = "{read} de {total} contratos com arquivo"
HELD_NOTE: Final = "{amount} em risco"
COVERAGE_OF: Final = "Cobertura de {month}"
COVERAGE_PARTS: Final = "Partes da cobertura"
ACCOUNTING: Final = "Cobranças e fiscal"
ACCOUNTING_HINT: Final = "Para a contabilidade: cobranças e tabela fiscal da competência, em CSV, num arquivo ZIP."
ACCOUNTING_FILE: Final = "contabilidade-{competence}"
CONCLUDED: Final = "**{done}** de **{total}** contratos concluídos ({share})"
KEPT_OUT_RULES: Final = "Fora por regra"
NOT_INVOICED_SPLIT: Final = "Não Faturados **{total}** ="
NOT_INVOICED_SPLIT_PLAIN: Final = "Não Faturados, por regra"
ON_THE_LIST: Final = "Na lista"
CHARTS_FILTERED: Final = (
    "Gráficos e rankings mostram só o que atende ao filtro; os indicadores e a cobertura são da competência inteira."
)
MEASURE: Final = "Medida"
REVENUE: Final = "Receita"
MINUTES: Final = "Minutos"
REVENUE_BY_MONTH: Final = "Receita por mês e classe, R$"
MINUTES_BY_MONTH: Final = "Minutos por mês e classe"
THOUSANDS: Final = " mil"
MINUTES_THOUSANDS: Final = ", mil"
REVENUE_HELP: Final = (
    "Soma dos valores das ligações lidas, com os das cobranças retidas e antes do corte da fração de centavo de cada "
    "contrato; por isso difere um pouco de Valor cobrado. Um clique em uma classe filtra o resto da tela."
)
MINUTES_HELP: Final = "Duração de conversa das ligações lidas. Um clique em uma classe filtra o resto da tela."
MONTH: Final = "Mês"
TOTAL: Final = "Total"
BY_WEEKDAY_AND_HOUR: Final = "Chamadas por dia da semana e hora"
WEEKDAY_HOUR_HELP: Final = (
    "Ligações de {month}, pelo início, no horário da linha. Um clique em um quadro filtra o resto da tela."
)
TOP_CONTRACTS: Final = "Maiores contratos em valor"
TOP_CONTRACTS_HELP: Final = (
    "Valor das ligações de {month}, e a variação sobre {previous} (—: nada havia). O número abre o contrato; um "
    "clique no resto da linha filtra a tela por ele."
)
TOP_DESTINATIONS: Final = "Principais destinos"
TOP_DESTINATIONS_HELP: Final = (
    "Destinos das ligações de {month}, por valor: a área (CN) ou o país, com o código. Um clique filtra a tela."
)
PAST: Final = "Valor **{change}** em relação à mediana de **{usual}** ({months} com ligações)."
PAST_NONE: Final = "Primeira competência com ligações deste contrato: ainda não há com o que comparar."
PAST_HELP: Final = (
    "As ligações lidas do contrato nos últimos 12 meses. Ao lado, o mês contra a mediana dos meses anteriores que "
    "tiveram ligações."
)
NO_CALLS_READ: Final = "Nenhuma ligação lida em {month}"
NO_CALLS_READ_WORDS: Final = (
    "As ligações chegam com os arquivos da Summit, quando a cobrança é gerada. Em {month}, {parts}."
)
NO_CALLS_FILTERED: Final = "Nenhuma ligação de {month} atende ao filtro"
NO_CALLS_FILTERED_WORDS: Final = "A competência tem {calls} lidas; nenhuma atende ao que foi filtrado."
SEARCH_CONTRACTS: Final = "Procurar em Contratos"
NO_MONTH: Final = "Nenhuma ligação lida nos 12 meses até {month}."
NO_MONTH_FILTERED: Final = "Nenhuma ligação dos 12 meses até {month} atende ao filtro."

# --- Conferência -----------------------------------------------------------------------------------------------------

HELD_TAB: Final = "Retidas"
COMPLETENESS_TAB: Final = "Completude"
RERATE_TAB: Final = "Retarifação"
RERATE_TITLE: Final = "Retarifar {month}"
RERATE_WORDS: Final = (
    "Tarifa de novo, pelos planos de agora, o que já foi cobrado e ainda não faturado. A prévia não muda nada: mostra, "
    "contrato a contrato, o que está cobrado, o novo valor e a diferença."
)
RERATE_PREVIEW: Final = "Calcular a prévia"
RERATING: Final = "Tarifando as ligações…"
NOTHING_TO_RERATE: Final = "Nada a retarifar"
NOTHING_TO_RERATE_WORDS: Final = "As ligações de {count} contratos cobrados já têm os preços dos planos de agora."
RERATE_HEAD: Final = "De {contracts}: {effects}."
RERATE_EFFECTS: Final = {
    "changed": ("muda", "mudam"),
    "prices_only": ("muda só o preço das ligações", "mudam só o preço das ligações"),
    "unchanged": ("fica igual", "ficam iguais"),
    "refused": ("não pode mudar", "não podem mudar"),
}
"""The contracts of each ``rerating.Effect``, counted."""
RERATE_BAR: Final = "**{contracts}** · de **{charged}** para **{amount}**"
RERATE_SCOPE: Final = "Estorna e cobra de novo só o que muda; o histórico fica"
RERATE_NO_CHANGE: Final = "Nenhuma cobrança muda: nos contratos acima só muda o preço que se mostra, ou não se pode."
RERATE_REFUSED: Final = "Retarifar pede o papel {needed}; você está como {role}."
RERATE_VERB: Final = "Retarifar {contracts}"
RERATE_FACTS: Final = (
    "Competência **{month}** · **{contracts}**  \n"
    "Cobrado **{charged}** · novo **{amount}** · diferença **{difference}**"
)
RERATE_LOCK: Final = "As cobranças de agora são estornadas e as novas entram no lugar, com as mesmas ligações."
RERATED_CONTRACT: Final = "Retarifação do contrato {contract}"
RERATED_WHY: Final = "O que muda e por quê"
ALL_PLANS: Final = "Todos os planos"
DECIDED_TAB: Final = "Decididas"
HOLD_NOUN: Final = ("cobrança retida", "cobranças retidas")
HOLD_KIND: Final = "Motivo"
HOLD_KINDS: Final = {"totais": "Totais", "tarifacao": "Tarifação", "anomalia": "Anomalia", "linha": "Linha"}
HOLD_CODES: Final = {code: code for code in ("ARQ-TOT", "CTR-LIN", "CTR-DIV", "TAR-DIF", "TAR-SEM", "CON-ANO")}
DETECTOR: Final = "Anomalia"
OPEN_HOLD: Final = "Mostra ao lado as três contas, os motivos e o histórico."
HOLDS_HEAD: Final = "**{count}** {where} · **{amount}** em risco"
DECLARED: Final = "Declarado pelo arquivo"
SUMMED: Final = "Soma dos registros"
OURS: Final = "Nossa tarifação"
NO_OURS: Final = "contrato sem plano tarifário"
DECLARED_OF: Final = "{records} declarados"
DIFFERS_BY: Final = "diferença {amount}"
DROPPED_OF: Final = "{dropped} já cobrados ficam fora: {amount}"
OURS_DIFFERS: Final = "{share} sobre a Summit"
OURS_AGREES: Final = "igual à Summit"
WOULD_CHARGE: Final = "Se liberada, cobra **{amount}** por {calls}."
WHY_HELD: Final = "Por que está retida"
HOLD_HISTORY: Final = "Cobranças do contrato"
HOLD_MEDIAN: Final = "mediana {amount}"
NO_HOLD_HISTORY: Final = "O contrato não tem cobrança nos 12 meses antes; não há com que comparar."
TIMES_USUAL: Final = "{times} vezes a mediana de {months} meses"
BY_CLASS: Final = "Por classe"
BY_CALL: Final = "Por ligação"
PRICES_DIFFER: Final = "Onde a nossa tarifação difere da Summit"
SIMILAR: Final = "Decisões parecidas ({code}): {released}, {rejected}."
SIMILAR_NONE: Final = "Nenhuma cobrança com {code} foi decidida ainda."
RELEASED_NOUN: Final = ("liberada", "liberadas")
REJECTED_NOUN: Final = ("rejeitada", "rejeitadas")
TO_CONTRACT: Final = "Abrir o contrato"
TO_CALLS: Final = "Ver as ligações"
TO_LOG: Final = "Ver o log"
HOLDS_CHOSEN: Final = "**{holds}** · **{amount}**"
HOLDS_CHOSEN_NOUN: Final = ("retida selecionada", "retidas selecionadas")
HOLD_OPENED: Final = "Contrato **{contract}**, {month} · **{amount}**"
HOLDS_HINT: Final = "A decisão pede um motivo e fica na auditoria. Marque outras na lista para decidir várias."
HOLDS_SCOPE: Final = "A decisão pede um motivo e fica na auditoria"
HOLDS_SCOPE_OUTSIDE: Final = "{count} fora do filtro atual"
HOLDS_VERBS: Final = {"release": "Liberar {amount}", "reject": "Rejeitar {amount}"}
HOLDS_TITLES: Final = {"release": "Liberar {holds}", "reject": "Rejeitar {holds}"}
HOLDS_FACTS: Final = "{months} · **{charges}** · **{amount}**  \n{contracts}"
HOLDS_DONE: Final = {
    "release": "{charges} liberadas: {amount}.",
    "reject": "{charges} rejeitadas: {amount} não serão cobrados. De volta à lista.",
}
HOLDS_GONE: Final = "O que estava selecionado já foi decidido."
NO_HOLDS: Final = "Nenhuma cobrança retida"
NO_HOLDS_WORDS: Final = "Nada espera decisão: tudo o que foi cobrado até aqui conferiu, ou já foi decidido."
NO_HOLD_FOUND: Final = "Nenhuma cobrança retida atende ao filtro"
NO_HOLD_FOUND_WORDS: Final = "Há {holds} ao todo, no valor de {amount}."
DECISION_NOUN: Final = ("decisão", "decisões")
NO_DECISIONS: Final = "Nada foi decidido ainda"
NO_DECISIONS_WORDS: Final = "Cada cobrança liberada ou rejeitada aparece aqui com quem decidiu e o motivo."
DECISIONS: Final = {"release": "Liberada", "reject": "Rejeitada"}
CORRECTED_TAB: Final = "Arquivos corrigidos"
CORRECTED_NOUN: Final = ("arquivo corrigido", "arquivos corrigidos")
CORRECTED_CALLS_NOUN: Final = ("ligação diferente", "ligações diferentes")
OPEN_CORRECTED: Final = "Mostra ao lado a diferença por classe e por ligação."
CORRECTED_HEAD: Final = "**{count}** trocados pela Summit depois de cobrados"
CORRECTED_SAME: Final = "Sem diferença em {classes}."
CORRECTED_CLASS_NOUN: Final = ("outra classe", "outras classes")
CORRECTED_FETCHING: Final = "Baixando o arquivo corrigido da Summit"
CORRECTED_CHARGED: Final = "Cobrado"
CORRECTED_BY_FILE: Final = "pelo arquivo anterior"
CORRECTED_SETTLED: Final = "com {amount} de correções anteriores"
CORRECTED_NOW: Final = "Arquivo corrigido"
CORRECTED_SEEN: Final = "visto em {when}"
CORRECTED_CHANGE: Final = "Diferença"
CORRECTED_NO_CALLS: Final = "Nenhuma ligação difere: só o arquivo é outro."
CORRECTED_SAYS: Final = {
    Remedy.CHARGE_AGAIN: "Ainda não faturado em {month}: pode ser estornado e cobrado de novo, num só ato.",
    Remedy.COMPLEMENT: "Já faturado em {month}: a diferença de {amount} entra como complemento em {into}.",
    Remedy.REFUND: "Já faturado em {month}: a diferença de {amount} volta como desconto em {into}.",
    Remedy.DISMISS: "Já faturado em {month}, e o valor é o mesmo: não há o que acertar.",
}
CORRECTED_OPENED: Final = "Contrato **{contract}**, {month} · diferença **{amount}**"
CORRECTED_HINT: Final = "A decisão pede um motivo e fica na auditoria."
CORRECTED_REFUSED: Final = "Resolver arquivos corrigidos pede o papel {needed}; você está como {role}."
CORRECTED_VERBS: Final = {
    Remedy.CHARGE_AGAIN: "Estornar e cobrar {total}",
    Remedy.COMPLEMENT: "Complemento de {amount} em {into}",
    Remedy.REFUND: "Desconto de {amount} em {into}",
    Remedy.DISMISS: "Manter a cobrança",
}
CORRECTED_TITLES: Final = {
    Remedy.CHARGE_AGAIN: "Estornar e cobrar de novo",
    Remedy.COMPLEMENT: "Lançar complemento",
    Remedy.REFUND: "Lançar desconto",
    Remedy.DISMISS: "Manter a cobrança",
}
CORRECTED_FACTS: Final = {
    Remedy.CHARGE_AGAIN: "Contrato **{contract}** · **{month}**  \nEstorna **{charged}** e cobra **{total}** pelo "
    "arquivo corrigido: **{change}**.",
    Remedy.COMPLEMENT: "Contrato **{contract}** · **{month}**  \nOs **{charged}** cobrados ficam; **{amount}** a mais "
    "entram em **{into}**.",
    Remedy.REFUND: "Contrato **{contract}** · **{month}**  \nOs **{charged}** cobrados ficam; **{amount}** voltam ao "
    "cliente em **{into}**.",
    Remedy.DISMISS: "Contrato **{contract}** · **{month}**  \nOs **{charged}** cobrados ficam; a diferença de "
    "**{change}** não é acertada.",
}
CORRECTED_LOCKS: Final = {
    Remedy.CHARGE_AGAIN: "O contrato entra num lote próprio, que confere de novo todas as regras. Fica na auditoria.",
    Remedy.COMPLEMENT: "Pode ser desfeito enquanto não faturado. Fica na auditoria.",
    Remedy.REFUND: "Pode ser desfeito enquanto não faturado. Fica na auditoria.",
    Remedy.DISMISS: "Pode ser desfeito. Fica na auditoria.",
}
CORRECTED_TOASTS: Final = {
    Remedy.CHARGE_AGAIN: "Contrato {contract}: estornado; o lote {batch} cobra de novo.",
    Remedy.COMPLEMENT: "Contrato {contract}: complemento de {amount} em {into}.",
    Remedy.REFUND: "Contrato {contract}: desconto de {amount} em {into}.",
    Remedy.DISMISS: "Contrato {contract}: a cobrança fica como está.",
}
CORRECTED_DONE: Final = "Resolvidos"
CORRECTED_BY: Final = "{who} em {when}, “{reason}”"
CORRECTED_GONE: Final = "O arquivo já foi resolvido."
NO_CORRECTED: Final = "Nenhum arquivo corrigido espera decisão"
NO_CORRECTED_WORDS: Final = (
    "Quando a Summit troca o arquivo de um mês já cobrado, ele aparece aqui com a diferença. "
    "Os trabalhadores procuram sozinhos; procure agora os de {month}."
)
CHECK_FILES: Final = "Procurar agora"
CHECK_FILES_HELP: Final = "Pede à Summit a lista de {month} e compara com o que foi cobrado."
UNDO: Final = "Desfazer"
UNDO_HELP: Final = "Desfaz a decisão sobre o contrato {contract}."
UNDO_TITLE: Final = "Desfazer a decisão"
UNDO_LOCKS: Final = "O arquivo volta a esperar decisão; o valor lançado é excluído. Fica na auditoria."
SEE_CORRECTED: Final = "Ver o arquivo corrigido de {month}"
DAYS_WITH_CALLS: Final = "Ligações por dia nos arquivos de {month}"
NO_TRAFFIC_DAYS: Final = "**{days} sem nenhuma ligação** entre {first} e {last}: {named}."
EVERY_DAY_HAS_TRAFFIC: Final = "Todos os dias entre {first} e {last} têm ligações."
NO_FILES: Final = "Nenhum arquivo de {month} foi lido ainda"
NO_FILES_WORDS: Final = "O calendário de tráfego e os contratos calados aparecem quando a competência for cobrada."
SILENT: Final = "Contratos com histórico e sem ligação em {month}"
SILENT_NONE: Final = "Todo contrato cobrado em {month} que tinha ligações nos meses antes as tem também agora."
UNCOVERED: Final = "Dias sem arquivo antes de {month}"
UNCOVERED_NONE: Final = "Em {month}, o período de cada arquivo começa onde o do anterior termina."
PASSED: Final = "Linhas que mudaram de contrato em {month}"
PASSED_NONE: Final = "Nenhuma linha mudou de contrato em {month}."
LINELESS: Final = "Contratos sem linha em {month}"
LINELESS_NONE: Final = "Todo contrato com serviço Summit tem linha em {month}."
STRAY: Final = "Ligações de linha alheia nos arquivos de {month}"
STRAY_NONE: Final = "Nenhuma ligação de linha sem contrato ou de outro contrato."
STRAY_SEE: Final = "Ver {calls}"
MORE: Final = "e mais {count}"
DAY_NOUN: Final = ("dia", "dias")

# --- Configurações e auditoria

AUDIT_ACTS: Final = {
    "approval.approve": "Pedido confirmado",
    "approval.deny": "Pedido recusado",
    "approval.request": "Pedido a segunda pessoa",
    "batch.cancel": "Lote cancelado",
    "batch.open": "Lote gerado",
    "batch.retry": "Lote reprocessado",
    "batch.reverse": "Cobrança estornada",
    "calls.reveal": "Número revelado",
    "calls.reveal_all": "Números exportados",
    "charge.rerate": "Retarifação",
    "doctor.repair": "Reparo do sistema",
    "file.charge_again": "Corrigido cobrado",
    "file.undo": "Decisão desfeita",
    "hold.reject": "Retida rejeitada",
    "hold.release": "Retida liberada",
    "home.backup": "Backup gravado",
    "home.restore": "Backup restaurado",
    "month.close": "Competência fechada",
    "month.reopen": "Competência reaberta",
    "parameter.set": "Parâmetro alterado",
    "plan.import": "Planos importados",
    "retention.purge": "Ligações eliminadas",
    "snapshot.import": "ERP importado",
}
"""Acts of the audit trail; a new one is shown by its code until it has a word."""
AUDIT_WORDS: Final = {
    "after": "depois",
    "amount": "valor",
    "approval": "pedido",
    "batch": "lote",
    "before": "antes",
    "calls": "ligações",
    "charge": "cobrança",
    "charges": "cobranças",
    "checksum": "soma",
    "code": "código",
    "competence": "competência",
    "contract": "contrato",
    "contracts": "contratos",
    "correction": "arquivo corrigido",
    "filter": "filtro",
    "plan": "plano",
    "snapshot": "importação",
    "value_id": "valor eventual",
}
"""Words of a line's target and facts."""
PLATFORM_TAB: Final = "Plataforma"
PLANS_TAB: Final = "Planos"
MONTHS_TAB: Final = "Competências"
PARAMETERS_TAB: Final = "Parâmetros"
PEOPLE_TAB: Final = "Pessoas e papéis"
AUDIT_TAB: Final = "Auditoria"
STORAGE_TAB: Final = "Armazenamento"

TEST_PLATFORM: Final = "Testar agora"
TESTING: Final = "Testando a plataforma…"
TEST_HINT: Final = "Quatro etapas, na ordem; nada muda na Summit nem aqui. A primeira que falha encerra o teste."
STEP_STATES: Final = {"done": "Certo", "failed": "Falhou", "skipped": "Não tentado"}
TESTED_AT: Final = "Testado às {clock}: {words}"
TEST_OK: Final = "tudo certo."
TEST_FAILED: Final = "parou em {step}."

PLANS_EMPTY: Final = "Nenhum plano importado"
PLANS_EMPTY_WORDS: Final = "Sem plano, cobra-se o que a Summit diz. Baixe o modelo, ajuste e envie."
PLANS_HINT: Final = (
    "Uma versão que já precificou uma cobrança não muda mais: envie outra com nova vigência. "
    "O arquivo entra inteiro ou não entra."
)
PLAN_USED: Final = {"used": "Em uso", "free": "Ainda não usada"}
PLAN_SAMPLE: Final = "Baixar modelo"
PLAN_UPLOAD: Final = "Arquivo de planos (.toml)"
PLAN_IMPORT: Final = "Importar planos"
PLANS_IMPORTED: Final = "{plans} importada(s). O mesmo arquivo outra vez não muda nada."
PLANS_REFUSED: Final = "Planos recusados, nada mudou: {problems}."
PLAN_TOO_LARGE: Final = "O arquivo passa de {size}; planos são bem menores."

MONTHS_EMPTY: Final = "Nada foi cobrado ainda"
MONTHS_EMPTY_WORDS: Final = "As competências aparecem aqui depois do primeiro lote."
MONTH_STATES: Final = {key: words[:1].upper() + words[1:] for key, words in text.MONTH_STATES.items()}
MONTH_PICK: Final = "Competência"
CLOSE_MONTH: Final = "Fechar {month}"
REOPEN_MONTH: Final = "Reabrir {month}"
MONTH_FACTS: Final = "Competência **{month}** · **{contracts}** · **{amount}** · {calls}"
CLOSE_WARNING: Final = (
    "Congela cobranças, ligações e arquivos com soma de verificação; só um gestor reabre, com motivo."
)
REOPEN_WARNING: Final = "A soma de verificação deste fechamento fica na auditoria."
MONTH_CLOSED: Final = "{month} fechada."
MONTH_REOPENED: Final = "{month} reaberta."
CHECKSUM: Final = "Soma de verificação (sha256) de {month}: `{checksum}`"

PARAMETERS_HINT: Final = "Mudam aqui, com motivo, e valem na hora para todos."
SETTINGS_HINT: Final = "Mudam-se na variável de ambiente ou em stfc.toml e valem depois de reiniciar."
PARAMETER_SOURCES: Final = {
    "environment": "Ambiente",
    "file": "stfc.toml",
    "default": "Padrão",
    "ledger": "Esta tela",
}
PARAMETER_PICK: Final = "Parâmetro"
PARAMETER_VALUE: Final = "Novo valor"
PARAMETER_UNITS: Final = {
    "months": "em meses, de {least} a {most}",
    "hours": "em horas, de {least} a {most}",
    "centavos": "em centavos; 0 desliga",
    "switch": "1 liga, 0 desliga",
}
PARAMETER_CHANGE: Final = "Alterar"
PARAMETER_FACTS: Final = "**{name}**: de **{before}** para **{after}**"
PARAMETER_CHANGED: Final = "{name}: {value}."
CHANGE_TITLE: Final = "Alterar parâmetro"
SECRET_SET: Final = "definido"

PEOPLE_HINT: Final = "Quem já fez algo que a auditoria guarda, em cada papel."
ROLES_HEAD: Final = "O que cada papel pode"
ROLE_MATRIX: Final = (
    ("Ver indicadores, contratos, ligações, faturas, lotes e retidas", Role.SUPERVISOR),
    ("Gerar, reprocessar, cancelar e estornar cobranças", Role.OPERATOR),
    ("Reenviar a integração, importar dados do ERP e planos", Role.OPERATOR),
    ("Revelar os números de um contrato, com motivo", Role.OPERATOR),
    ("Gravar backup e fazer reparos seguros (terminal)", Role.OPERATOR),
    ("Liberar e rejeitar cobranças retidas", Role.MANAGER),
    ("Revelar números em massa, com motivo", Role.MANAGER),
    ("Fechar e reabrir competências", Role.MANAGER),
    ("Mudar parâmetros e eliminar ligações pela retenção", Role.MANAGER),
    ("Confirmar pedidos de segunda pessoa", Role.MANAGER),
    ("Ler a auditoria e esta tela", Role.MANAGER),
)
YES_NO: Final = {"yes": "Sim", "no": "Não"}

AUDIT_NOUN: Final = ("linha", "linhas")
AUDIT_EMPTY: Final = "Nenhuma linha atende ao filtro"
AUDIT_EMPTY_WORDS: Final = "A auditoria guarda todo ato que muda algo, e toda revelação de números."
AUDIT_CHECK: Final = "Conferir integridade"
AUDIT_CHECK_HINT: Final = "Cada linha está presa à anterior por um hash: qualquer byte mudado aparece, com a linha."
SURFACES: Final = {"tela": "Tela", "terminal": "Terminal"}

DISK_FREE: Final = "{free} livres"
DISK_STATE: Final = {"done": "Gravável", "failed": "Não grava"}
NO_BACKUP: Final = "Nenhum backup registrado. Grave um com “stfc backup ARQUIVO”."
LAST_BACKUP: Final = "Último backup: {when}, por {who} ({file})."
STORED: Final = "{calls} em {parts} ({size}); {snapshots} do ERP guardadas."
RETENTION_HEAD: Final = "Retenção das ligações"
RETENTION_HINT: Final = (
    "Guardadas por {months}: sai o que é anterior a {before} e está fechado. "
    "Cobranças, totais e a soma do fechamento ficam."
)
RETENTION_NONE: Final = "Nada a eliminar agora."
RETENTION_STATES: Final = {"failed": "Sai", "pending": "Fica: ainda aberta", "kept": "Fica"}
RETENTION_APPLY: Final = "Eliminar {calls}"
RETENTION_TITLE: Final = "Eliminar ligações antigas"
RETENTION_FACTS: Final = "Competências **{months}**: **{what}**"
RETENTION_WARNING: Final = "Não tem volta. Os arquivos saem do disco na próxima limpeza, em cerca de uma hora."
RETENTION_DONE: Final = "{what} eliminadas pela retenção."
DOCTOR_HEAD: Final = "Conferência do sistema"
DOCTOR_RUN: Final = "Conferir agora"
DOCTOR_RUNNING: Final = "Conferindo…"
DOCTOR_OK: Final = "Tudo certo."
DOCTOR_HINT: Final = "O mesmo que “stfc doctor”: configuração, livro-razão, disco, plataforma e se tudo soma."
DOCTOR_REPAIR: Final = "Fazer {repairs}"
DOCTOR_REPAIR_NOUN: Final = ("reparo seguro", "reparos seguros")
DOCTOR_KINDS: Final = {"failed": "Falha", "note": "Nota"}

# --- Segunda pessoa

APPROVAL_LINE: Final = "**Pedido {approval}**: {what}"
APPROVAL_DETAIL: Final = "Pedido por {who} em {when}, “{reason}”; vence em {expires}."
APPROVE: Final = "Confirmar"
DENY: Final = "Recusar"
APPROVE_TITLE: Final = "Confirmar o pedido {approval}"
DENY_TITLE: Final = "Recusar o pedido {approval}"
APPROVED: Final = "Pedido {approval} confirmado e feito."
DENIED: Final = "Pedido {approval} recusado; nada mudou."
OWN_APPROVAL: Final = "O pedido é seu: espera outro gestor."
