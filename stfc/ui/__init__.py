"""The screens' parts: Streamlit and Plotly appear here, in ``app.py`` and in ``pages/`` only.

A page guards, filters, queries, renders and acts, in some 80 lines::

    '''Contratos - Telefonia (PRODUCT 3, screen 2).'''
    from stfc.ui import competence, filters, guard, header, labels, session, states, tables, url
    from stfc.ui.tables import Column

    FILTERS = filters.Bar("contracts", labels.CONTRACTS.search, (
        filters.Flag("integration_errors", "Erro na integração", "erro"),
        filters.Choice("states", "UF", "uf", options=lambda: {one: one for one in view().choices()["states"]}),
        filters.Money("least_expected", "Valor a partir de (R$)", "min", words="Valor acima de {value}"),
    ))
    GRID = tables.Grid("contracts", id="contract", noun=("contrato", "contratos"), sort="contract", columns=(
        Column("contract", "Contrato", 76, opens=True),
        Column("customer", "Cliente", 206),
        Column("lines", "Linhas", 58, unit="count"),
        Column("status", "Status", 144, words=labels.STATUSES, normal="normal"),
        Column("last_amount", "Última cobrança", 146, unit="money"),
    ))

    def view():
        return session.application().views.view(competence.current())

    def open_contract(number: str) -> None:
        url.put({"contrato": number})

    user = guard.require(guard.Role.SUPERVISOR)      # refuses inside the page, whatever led to it
    header.show(labels.CONTRACTS)                    # title, competence, Ajuda, Atualizar, Resumo da rotina
    chosen = FILTERS.show()                          # frozen value; the address is its memory
    window = GRID.window()                           # order and page, from the address
    found = view().contracts(chosen.into(ContractQuery, **window.asked()))
    if found.total:
        everything = chosen.into(ContractQuery, limit=None)
        GRID.show(found, chosen, on_open=open_contract, export=lambda: view().contracts(everything).table)
    else:
        states.empty("Nenhum contrato atende ao filtro", "…", states.Step("Limpar", FILTERS.clear))

Parts:

* ``guard.require(role)``, ``guard.may(role)``; ``session.application()``, ``.status()``, ``.actor()``.
* ``competence.current()``, ``.go(c)``; ``url.get/get_all/put/open_page`` (put and open_page in callbacks).
* ``header.show(page, title=, summary=, on_back=)``: a detail gives its own title and the back arrow.
* ``filters``: ``Bar(key, search, fields, pills=)``, fields ``Flag Text Choice One Whole Money Day``.
* ``tables``: ``Grid`` (``window``, ``show``, ``selected``, ``select``), ``small``, ``download``, ``exported``.
* ``selection``: ``merge``, ``rows_of``, ``pasted``, ``split`` over ids.
* ``figures``: ``Kpi``/``kpis``, ``outcome_bar``, ``outcome_pill``, ``facts``, ``steps``.
* ``charts``: ``by_month``, ``by_weekday_and_hour``, ``bars``, ``figure``, ``card`` (title, table view behind).
* ``actions``: ``bar`` (the bottom), ``confirm``, ``drawer``, ``request_key``/``done``.
* ``states``: ``empty``, ``error``, ``fault(StfcError)``, ``badge`` (Markdown), ``toast`` (from callbacks); ``TONES``.
* ``logs.table(lines)``, ``logs.plain(lines)``; ``style.badge``/``style.link`` (HTML), ``style.palette()``.
* ``format``: money, count, percent, signed, month, moment, duration, age, phone, ``plain`` (escapes Markdown)…

Rules of the house: data that meets Markdown goes through ``format.plain``; callbacks change ``url`` and state, the
script draws; an error of ours (``StfcError``) may rise out of a page, the entry script shows its sentence.
"""
