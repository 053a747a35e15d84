"""Who the simulated subscribers are: names, documents with their check digits, cities (Brazilian, all invented)."""

import numpy as np
from numpy.typing import NDArray

from stfc.simulator import chance
from stfc.simulator.chance import Ints, Words
from stfc.simulator.universe import AREAS

_FIRST_TEXT = """
Ana Maria João José Antônio Francisco Carlos Paulo Pedro Lucas Luiz Marcos Luís Gabriel Rafael Daniel Marcelo Bruno
Eduardo Felipe Rodrigo Manoel Mateus André Fernando Fábio Leonardo Gustavo Guilherme Leandro Tiago Anderson Ricardo
Márcio Jorge Sebastião Alexandre Roberto Edson Diego Vítor Sérgio Cláudio Mateus Thiago Geraldo Adriano Luciano
Júlio Renato Alex Vinícius Rogério Samuel Ronaldo Mário Flávio Igor Douglas Davi Jeferson Cícero Wesley Robson
Simone Adriana Juliana Márcia Fernanda Patrícia Aline Sandra Camila Amanda Bruna Jéssica Letícia Júlia Luciana
Vanessa Mariana Gabriela Vera Vitória Larissa Cláudia Beatriz Rita Luana Sônia Renata Eliane Josefa Cristiane
Raimunda Tereza Natália Débora Rosângela Tatiane Priscila Helena Lourdes Daniela Fabiana Rosa Carla Marli Conceição
Iara Íris Zélia Ângela Benedita Cecília Elaine Noemi
"""
_FIRST = _FIRST_TEXT.split()
_LAST_TEXT = """
Silva Santos Oliveira Souza Lima Pereira Ferreira Costa Rodrigues Almeida Nascimento Alves Carvalho Araújo Ribeiro
Barbosa Gomes Martins Rocha Dias Cardoso Teixeira Moreira Correia Cavalcanti Mendes Nunes Freitas Barros Batista
Campos Monteiro Moura Vieira Castro Andrade Ramos Fernandes Machado Melo Pinto Marques Lopes Azevedo Borges Duarte
Guimarães Fonseca Xavier Cunha Farias Aguiar Peixoto Sales Tavares Pires Assunção Antunes Bezerra Brandão Coelho
Dantas Esteves Figueiredo Godói Holanda Jardim Klein Leão Magalhães Nogueira Otero Paiva Queirós Rezende Siqueira
Torres Uchôa Valadão Weber Zanetti
"""
_LAST = _LAST_TEXT.split()
_PARTICLES = ("", "", "da ", "de ", "dos ")
_TRADES = (
    "Padaria",
    "Supermercado",
    "Clínica Odontológica",
    "Auto Peças",
    "Farmácia",
    "Contabilidade",
    "Imobiliária",
    "Escola",
    "Restaurante",
    "Pousada",
    "Hotel",
    "Transportadora",
    "Gráfica",
    "Academia",
    "Laboratório",
    "Advocacia",
    "Construtora",
    "Distribuidora",
    "Papelaria",
    "Pet Shop",
    "Oficina",
    "Madeireira",
    "Metalúrgica",
    "Ótica",
    "Joalheria",
    "Lavanderia",
    "Floricultura",
    "Livraria",
    "Agropecuária",
    "Cooperativa",
    "Engenharia",
    "Consultoria",
)
_GROUPS = ("Contact Center", "Teleatendimento", "Cobrança e Relacionamento", "Central de Relacionamento", "Atendimento")
_PLACES = (
    "Aurora",
    "Bela Vista",
    "Boa Esperança",
    "Central",
    "Cruzeiro",
    "Planalto",
    "Primavera",
    "Santa Rita",
    "São Jorge",
    "Sul",
    "União",
    "Vitória",
)
_FORMS = ("Ltda", "Ltda", "Ltda", "ME", "EPP", "S.A.")

_CITIES = {
    "11": ("Guarulhos", "Osasco", "Santo André", "Jundiaí", "Mogi das Cruzes"),
    "12": ("Taubaté", "Jacareí"),
    "13": ("São Vicente", "Praia Grande"),
    "16": ("Araraquara", "Franca"),
    "19": ("Piracicaba", "Limeira", "Americana"),
    "21": ("Niterói", "Duque de Caxias", "São Gonçalo"),
    "27": ("Vila Velha", "Serra"),
    "31": ("Contagem", "Betim"),
    "41": ("São José dos Pinhais", "Colombo"),
    "47": ("Blumenau", "Itajaí"),
    "48": ("São José", "Criciúma"),
    "51": ("Canoas", "Novo Hamburgo"),
    "54": ("Bento Gonçalves", "Passo Fundo"),
    "62": ("Aparecida de Goiânia", "Anápolis"),
    "71": ("Camaçari", "Lauro de Freitas"),
    "81": ("Olinda", "Jaboatão dos Guararapes"),
    "83": ("Campina Grande",),
    "84": ("Mossoró",),
    "85": ("Caucaia", "Maracanaú"),
    "91": ("Ananindeua",),
}
"""Further cities of a CN, beside its main one."""

_HEAVY = {
    "11": 9,
    "21": 6,
    "31": 6,
    "19": 4,
    "41": 5,
    "47": 4,
    "48": 3,
    "51": 5,
    "61": 3,
    "62": 4,
    "71": 3,
    "81": 3,
    "85": 4,
}
AREA_WHEEL = chance.wheel({place: _HEAVY.get(code, 1) for place, code in enumerate(AREAS)})
"""How subscribers spread over the CNs: all 67 have some."""


def cities(main: dict[str, str]) -> tuple[list[str], Ints, Ints]:
    """All cities, and per CN (its place in ``AREAS``) the first one's place and how many there are."""
    names: list[str] = []
    starts, counts = [], []
    for code in AREAS:
        own = (main[code], *_CITIES.get(code, ()))
        starts.append(len(names))
        counts.append(len(own))
        names.extend(own)
    return names, np.array(starts, dtype=np.int64), np.array(counts, dtype=np.int64)


def people(keys: Words) -> list[str]:
    """A person's full name per key."""
    first, middle, last = (
        chance.below(chance.draw(keys, 101 + n), bound) for n, bound in _bounds(_FIRST, _LAST, _LAST)
    )
    particle = chance.below(chance.draw(keys, 104), len(_PARTICLES))
    return [
        f"{_FIRST[a]} {_LAST[b]} {_PARTICLES[c]}{_LAST[d]}"
        for a, b, c, d in zip(first.tolist(), middle.tolist(), particle.tolist(), last.tolist(), strict=True)
    ]


def companies(keys: Words, *, is_centre: NDArray[np.bool_]) -> list[str]:
    """A company's name per key; call centres sound like one."""
    trade, group, place, name, form = (
        chance.below(chance.draw(keys, 106 + n), bound)
        for n, bound in _bounds(_TRADES, _GROUPS, _PLACES, _LAST, _FORMS)
    )
    has_place = chance.happens(chance.draw(keys, 112), 0.4)
    return [
        f"{_GROUPS[g] if centre else _TRADES[t]} {_PLACES[p] if placed else _LAST[n]} {_FORMS[f]}"
        for t, g, p, n, f, placed, centre in zip(
            trade.tolist(),
            group.tolist(),
            place.tolist(),
            name.tolist(),
            form.tolist(),
            has_place.tolist(),
            is_centre.tolist(),
            strict=True,
        )
    ]


def _bounds(*tables: tuple[str, ...] | list[str]) -> list[tuple[int, int]]:
    return [(number, len(table)) for number, table in enumerate(tables)]


def cpfs(keys: Words) -> list[str]:
    """A CPF per key: eleven digits, the last two right."""
    digits = np.stack([chance.below(chance.draw(keys, 120 + place), 10) for place in range(9)], axis=1)
    # Eleven equal digits have right check digits but are no CPF.
    digits[:, 0] = np.where((digits == digits[:, :1]).all(axis=1), (digits[:, 0] + 1) % 10, digits[:, 0])
    for weights in (range(10, 1, -1), range(11, 1, -1)):
        digits = np.column_stack([digits, _check(digits, weights)])
    return _text(digits)


def cnpjs(keys: Words, *, has_letters: NDArray[np.bool_]) -> list[str]:
    """A CNPJ per key: twelve places, of which the first eight may hold letters, and two check digits."""
    width = np.where(has_letters, 36, 10)
    places = [chance.below(chance.draw(keys, 140 + place), width) for place in range(8)]
    root = np.stack(places, axis=1)
    values = np.where(root < 10, root, root + 7)
    branch = np.broadcast_to(np.array([0, 0, 0, 1], dtype=np.int64), (len(keys), 4))
    values = np.concatenate([values, branch], axis=1)
    for weights in ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)):
        values = np.column_stack([values, _check(values, weights)])
    return _text(values)


def _check(values: Ints, weights: range | tuple[int, ...]) -> Ints:
    rest = values @ np.array(list(weights), dtype=np.int64) % 11
    return np.where(rest < 2, 0, 11 - rest)


def _text(values: Ints) -> list[str]:
    # A character is worth its place after "0" in ASCII, letters too.
    rows = np.ascontiguousarray((values + ord("0")).astype(np.uint8))
    texts: list[str] = rows.view(f"S{values.shape[1]}").ravel().astype(str).tolist()
    return texts
