"""The 67 Brazilian area codes (CN), each with its state and main city (PRODUCT 6)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AreaCode:
    """One CN: two digits, the state (UF) it lies in and its main city. A few CNs touch a neighbouring state."""

    code: str
    state: str
    city: str


_TABLE = """
11 SP São Paulo
12 SP São José dos Campos
13 SP Santos
14 SP Bauru
15 SP Sorocaba
16 SP Ribeirão Preto
17 SP São José do Rio Preto
18 SP Presidente Prudente
19 SP Campinas
21 RJ Rio de Janeiro
22 RJ Campos dos Goytacazes
24 RJ Volta Redonda
27 ES Vitória
28 ES Cachoeiro de Itapemirim
31 MG Belo Horizonte
32 MG Juiz de Fora
33 MG Governador Valadares
34 MG Uberlândia
35 MG Poços de Caldas
37 MG Divinópolis
38 MG Montes Claros
41 PR Curitiba
42 PR Ponta Grossa
43 PR Londrina
44 PR Maringá
45 PR Cascavel
46 PR Francisco Beltrão
47 SC Joinville
48 SC Florianópolis
49 SC Chapecó
51 RS Porto Alegre
53 RS Pelotas
54 RS Caxias do Sul
55 RS Santa Maria
61 DF Brasília
62 GO Goiânia
63 TO Palmas
64 GO Rio Verde
65 MT Cuiabá
66 MT Rondonópolis
67 MS Campo Grande
68 AC Rio Branco
69 RO Porto Velho
71 BA Salvador
73 BA Ilhéus
74 BA Juazeiro
75 BA Feira de Santana
77 BA Vitória da Conquista
79 SE Aracaju
81 PE Recife
82 AL Maceió
83 PB João Pessoa
84 RN Natal
85 CE Fortaleza
86 PI Teresina
87 PE Petrolina
88 CE Juazeiro do Norte
89 PI Picos
91 PA Belém
92 AM Manaus
93 PA Santarém
94 PA Marabá
95 RR Boa Vista
96 AP Macapá
97 AM Coari
98 MA São Luís
99 MA Imperatriz
"""

AREA_CODES: dict[str, AreaCode] = {
    code: AreaCode(code, state, city)
    for code, state, city in (row.split(" ", 2) for row in _TABLE.strip().splitlines())
}
"""Every CN by its two digits, in order."""

_OFFSETS = {"65": -4, "66": -4, "67": -4, "68": -5, "69": -4, "92": -4, "95": -4, "97": -4}
_BRASILIA = -3


def utc_offset_hours(area: str | None) -> int:
    """Hours from UTC to the local time of a CN; Brasília's where the CN is unknown (PRODUCT 6)."""
    return _OFFSETS.get(area or "", _BRASILIA)
