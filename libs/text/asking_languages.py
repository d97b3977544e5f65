"""How Dutch, French, German, Italian, Portuguese and Spanish ask and tell, and which language is read."""

import re
from dataclasses import dataclass

from libs.text.asking import ENGLISH, AnswerKind, Asking, ignoring_case
from libs.text.stems import language_read


@dataclass(frozen=True)
class _Words:
    """Alternatives of patterns, as `Asking` needs them.

    `before` may stand before a question word. `count` asks how many, `when` for a date, `span` for another time; `who`,
    `where` and `cost` for what they say, `measure` for any other number, and `yes` opens what a yes or a no answers.
    `numbers` are small words, among them those that tell none; `units` measure time and `day` names one.
    """

    before: str
    count: str
    when: str
    span: str
    who: str
    where: str
    cost: str
    measure: str
    yes: str
    numbers: str
    units: str
    day: str
    events: str
    money: str
    roles: str
    place_before: str | None = None


def _asking(of: _Words) -> Asking:
    opens = rf"^\W*(?:(?:{of.before})\s+)*"
    when = rf"{opens}(?:{of.when})\b"
    counts = rf"\b(?:{of.count}|{of.span}|{of.cost}|{of.measure})\b"
    date = rf"\b(?:1\d{{3}}|20\d\d|\d{{1,2}}(?:[.:]| ?h ?)\d\d|{of.day})\b"
    return Asking(
        looks_up=ignoring_case(
            rf"\W*(?:(?:{of.before}) )?"
            rf"(?:{of.count}|{of.when}|{of.span}|{of.who}|{of.where}|{of.cost}|{of.measure}|{of.yes})\b"
        ),
        counts=ignoring_case(counts),
        how_many=ignoring_case(rf"\b(?:{of.count})\b"),
        when=ignoring_case(when),
        time=ignoring_case(rf"{when}|\b(?:{of.span})\b"),
        kinds={
            AnswerKind.PERSON: ignoring_case(rf"{opens}(?:{of.who})\b"),
            AnswerKind.DATE: ignoring_case(when),
            AnswerKind.PLACE: ignoring_case(rf"{opens}(?:{of.where})\b"),
            AnswerKind.MONEY: ignoring_case(rf"\b(?:{of.cost})\b"),
        },
        tells_quantity=ignoring_case(rf"\d|%|\b(?:{of.numbers}|{of.units}|{of.day})\b"),
        tells_time=ignoring_case(rf"\b(?:{of.events})\b"),
        date=ignoring_case(date),
        money=ignoring_case(rf"[$€£¥]\s?\d|\b\d[\d,.']*\s?[$€£¥]|\b(?:chf|eur|usd|gbp|{of.money})\b"),
        number=re.compile(rf"\w*\d.*|{of.numbers}"),
        role=re.compile(of.roles),
        place_before=None if of.place_before is None else ignoring_case(rf"\b(?:{of.place_before})\s+"),
    )


_GERMAN = _Words(
    before="und|bis|ab|seit|von|mit|bei|für|in|an|zu|um|innert|innerhalb",
    count="wie ?viele?[mnrs]?",
    when="wann|welche[mnrs]? (?:datum|jahr|monat|tag|wochentag)|wie viel uhr|welche[rn]? zeit",
    span="wie (?:lange?|oft|häufig|früh|spät|bald|schnell)|welche[rn]? frist",
    who="we[rnm]|wessen",
    where="wo|wohin|woher|welche[mnrs]? (?:adresse|gebäude|land|ort|ortschaft|raum|region|stadt|strasse|straße|stelle)",
    cost="(?:was|wie ?viel) (?:kostet|kosten|kostete|kosteten)|wie teuer"
    r"|wie hoch (?:ist|sind|war|waren) (?:[\w-]+ ){1,3}?[\w-]*"
    "(?:beitrag|budget|busse|buße|gebühr|gebühren|kosten|lohn|miete|pauschale|preis|preise|tarif|zuschlag)",
    measure="wie (?:alt|gross|groß|hoch|lang|schwer|stark|tief|warm|weit)"
    "|welche[mnrs]? (?:alter|anteil|anzahl|betrag|grösse|größe|höhe|nummer|preis|prozentsatz|zahl)",
    yes="welche[mnrs]?|ist|sind|darf|dürfen|kann|muss|müssen|gibt",
    numbers="null|zwei|drei|vier|fünf|sechs|sieben|acht|neun|elf|zwölf|[^\\W\\d_]*(?:zehn|zwanzig|drei(?:ss|ß)ig"
    "|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig|hundert|tausend)(?:s?te[mnrs]?)?|millionen|million|milliarden?"
    "|dutzend|halbe?[mnrs]?|hälfte|drittel|viertel|(?:erste|zweite|dritte|vierte|fünfte|sechste|siebte|achte|neunte)"
    "[mnrs]?|(?:ein|zwei|drei|vier|mehr)mal|keine?[mnrs]?|nie|unbegrenzt|unbeschränkt|kostenlos|gratis|jede[mnrs]?",
    units=r"[^\W\d_]*(?:sekunden?|minuten?|stunden?|tage?[ns]?|wochen?|monat(?:e[ns]?)?|jahr(?:e[ns]?)?|quartal[es]?)"
    "|stündlich|täglich|wöchentlich|monatlich|jährlich|vierteljährlich|halbjährlich",
    day="(?:januar|jänner|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember)s?"
    "|(?:mon|diens|donners|frei|sams|sonn)tags?|mittwochs?|jahrhunderts?",
    events="heute|morgen|gestern|jetzt|sofort|nie|immer|jederzeit|wenn|sobald|bevor|vor|nach|nachdem|bis|seit|während",
    money="franken|rappen|euro|cent|dollar|pfund|kostenlos|gratis|unentgeltlich",
    roles=r"[^\W\d_]*(?:leiter|leiterin|leiterinnen|leitung|chef|chefin|direktor|direktorin|direktion|abteilung"
    "|vorgesetzten?|vorstand|verwaltungsrat|präsident|präsidentin|präsidium|beauftragten?|verantwortlichen?|sekretariat"
    "|verwaltung|kommission|ausschuss|behörde|ministerium|minister|ministerin|amt|dienst|team|personal|arzt|ärztin"
    "|anwalt|anwältin|lehrperson|lehrer|lehrerin|eltern|kunde|kundin|kunden|lieferanten?|mitglied|mitglieder"
    "|mitarbeiter|mitarbeiterin|mitarbeitenden?|angestellten?|arbeitgeber|arbeitgeberin|besitzer|besitzerin|inhaber"
    "|inhaberin|person|personen|frau|herr|niemand|alle)",
    place_before="(?:an|am|auf|bei|beim|hinter|im|in|neben|unter|über|vor|zwischen)(?: (?:d(?:er|em|en|ie|as)))?",
)
_FRENCH = _Words(
    before="et|à|de|avec|pour|depuis|pendant|dans|dès|en|jusqu'à|jusque|d'ici",
    count="combien",
    when="quand|quelle (?:heure|date|année)|quel (?:jour|mois|siècle)",
    span="combien de temps|quelle (?:fréquence|durée)|quel délai|tous les combien",
    who="qui|par qui|à qui|chez qui",
    where="où|d'où|dans quel(?:le)? (?:bâtiment|lieu|pays|région|rue|salle|ville)|quelle (?:adresse|ville|rue)",
    cost="combien (?:coûte|coûtent|coûtait|faut-il payer)|quel(?:le)? (?:est|était) (?:le|la) "
    "(?:coût|loyer|prix|salaire|tarif)",
    measure="quel(?:le)?s? (?:est|sont|était) (?:le|la|les|l')(?: ?[\\w'-]+)? ?"
    "(?:âge|délai|durée|forfait|limite|longueur|maximum|minimum|montant|nombre|pourcentage|seuil|taille|taux)s?"
    "|quel (?:âge|montant|nombre|pourcentage|taux)",
    yes="quel(?:le)?s?|est-ce|y a-t-il|puis-je|peut-on|faut-il|dois-je",
    numbers="zéro|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingts?|trente"
    "|quarante|cinquante|soixante|septante|huitante|octante|nonante|cents?|mille|millions?|milliards?"
    "|(?:dix|vingt|trente|quarante|cinquante|soixante|quatre)-[^\\W\\d_-]+(?:-[^\\W\\d_-]+)*"
    "|[^\\W\\d_]+aines?|moitié|demie?|tiers|quart|aucune?|jamais|illimitée?s?|gratuite?s?|chaque|premi(?:er|ère)"
    "|[^\\W\\d_]+ième",
    units="secondes?|minutes?|heures?|jours?|semaines?|mois|ans?|années?|trimestres?|semestres?|siècles?|fois"
    "|quotidien(?:ne)?(?:ment)?|hebdomadaire(?:ment)?|mensuel(?:le)?(?:ment)?|annuel(?:le)?(?:ment)?",
    day="janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
    "|lundis?|mardis?|mercredis?|jeudis?|vendredis?|samedis?|dimanches?|siècle|midi|minuit",
    events="aujourd'hui|demain|hier|maintenant|immédiatement|jamais|toujours|quand|lorsque|dès|avant|après|jusque|jusqu"
    "|depuis|pendant|durant",
    money="francs?|centimes?|euros?|cents?|dollars?|livres?|gratuite?s?|gratuitement",
    roles="directeurs?|directrices?|direction|chefs?|cheffes?|responsables?|supérieure?s?|présidente?s?|comités?"
    "|conseils?|commissions?|services?|départements?|équipes?|secrétariat|administration|ministres?|ministère|médecins?"
    "|avocate?s?|parents|clients?|clientes?|fournisseurs?|membres?|employée?s?|collaborateurs?|collaboratrices?"
    "|employeurs?|propriétaires?|personnes?|personnel|madame|monsieur|personne|tous",
)
_SPANISH = _Words(
    before="y|a|con|para|desde|hasta|de|en|por|durante",
    count="cuánt[oa]s?",
    when="cuándo|qué (?:hora|fecha|año|mes|día|siglo)",
    span="cuánto tiempo|qué (?:frecuencia|plazo)|cada cuánto",
    who="quién(?:es)?|a quién|por quién|de quién",
    where="dónde|adónde|qué (?:ciudad|calle|edificio|lugar|país|región|sala)",
    cost="cuánto (?:cuesta|cuestan|costó|costaba|vale|valen)|cuál es el (?:alquiler|coste|costo|precio|salario|sueldo)",
    measure="cuál(?:es)? (?:es|son|era) (?:el|la|los|las)(?: [\\w-]+)? "
    "(?:cantidad|duración|edad|importe|límite|longitud|máximo|mínimo|monto|número|plazo|porcentaje|tamaño|tarifa|tasa)s?",
    yes="cuál(?:es)?|es|son|hay|puedo|debo|se puede",
    numbers="cero|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince"
    "|dieci[^\\W\\d_]+|veinti?[^\\W\\d_]*|treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa|cien(?:to)?s?"
    "|(?:dos|tres|cuatro|seis|ocho)cient[oa]s|quinient[oa]s|mil|mill(?:ón|ones)|docenas?|mitad|medi[oa]|tercio|cuarto"
    "|ningun[oa]?|ningún|nunca|ilimitad[oa]s?|gratis|gratuit[oa]s?|cada|primer[oa]?|segund[oa]|tercer[oa]?",
    units="segundos?|minutos?|horas?|días?|semanas?|mes(?:es)?|años?|trimestres?|semestres?|siglos?|veces|vez"
    "|diari[oa](?:mente)?|semanal(?:mente)?|mensual(?:mente)?|anual(?:mente)?",
    day="enero|febrero|marzo|abril|mayo|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre"
    "|lunes|martes|miércoles|jueves|viernes|sábados?|domingos?|siglo|mediodía|medianoche",
    events="hoy|mañana|ayer|ahora|inmediatamente|nunca|siempre|cuando|antes|después|tras|hasta|desde|durante",
    money="francos?|céntimos?|centavos?|euros?|dólar(?:es)?|libras?|pesos?|gratis|gratuit[oa]s?",
    roles="director(?:a|es|as)?|dirección|jef[ea]s?|responsables?|superior(?:es|a)?|president[ea]s?|comité|consejo"
    "|comisión|servicios?|departamentos?|equipos?|secretaría|administración|ministr[oa]s?|ministerio|médic[oa]s?"
    "|abogad[oa]s?|padres|clientes?|proveedor(?:es|a)?|miembros?|emplead[oa]s?|trabajador(?:es|a|as)?"
    "|propietari[oa]s?|personas?|personal|señora?|nadie|todos",
)
_ITALIAN = _Words(
    before="e|a|con|per|da|di|fino a|in|entro|durante|dal|al",
    count="quant[ie]",
    when="quando|(?:a )?che ora|(?:che|quale) (?:anno|data|giorno|mese|secolo)",
    span="quanto tempo|quanto dura(?:no)?|ogni quanto|(?:che|quale) (?:frequenza|termine)",
    who="chi",
    where="dove|(?:che|quale) (?:città|edificio|luogo|paese|regione|sala|via)",
    cost="quanto (?:costa|costano|costava|si paga)|qual (?:è|era) il (?:canone|costo|prezzo|salario)",
    measure="quant[oa]|qual[ei]? (?:è|sono|era) (?:il|la|lo|i|le|l')(?: ?[\\w'-]+)? ?"
    "(?:altezza|durata|età|importo|limite|lunghezza|massimo|minimo|numero|percentuale|tariffa|tasso|termine)",
    yes="qual[ei]?|è|sono|c'è|ci sono|posso|devo|si può",
    numbers="zero|due|tre|quattro|cinque|sei|sette|otto|nove|dieci|undici|dodici|tredici|quattordici|quindici|sedici"
    "|dicia(?:s?sette|nnove)|diciotto|(?:vent|trent|quarant|cinquant|sessant|settant|ottant|novant)[^\\W\\d_]+"
    "|cent[oi]?|[^\\W\\d_]*cento|mille|[^\\W\\d_]*mila|milion[ei]|miliard[oi]|dozzin[ae]|metà|mezz[oa]|terzo|quarto"
    "|nessun[oa]?|mai|illimitat[oaie]|gratis|gratuit[oaie]|ogni|prim[oa]|second[oa]|terz[oa]",
    units="second[oi]|minut[oi]|or[ae]|giorn[oi]|settiman[ae]|mes[ei]|ann[oi]|trimestr[ei]|semestr[ei]|secol[oi]|volt[ae]"
    "|giornalier[oa]|quotidian[oa]|settimanal[ei]|settimanalmente|mensil[ei]|mensilmente|annual[ei]|annualmente",
    day="gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|novembre|dicembre"
    "|lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica|secolo|mezzogiorno|mezzanotte",
    events="oggi|domani|ieri|adesso|subito|mai|sempre|quando|appena|prima|dopo|fino|entro|da quando|durante",
    money="franc(?:o|hi)|centesim[oi]|euro|dollar[oi]|sterlin[ae]|gratis|gratuit[oaie]|gratuitamente",
    roles="direttor[ei]|direttric[ei]|direzione|cap[oi]|responsabil[ei]|superior[ei]|president[ei]|comitato|consiglio"
    "|commissione|servizi[oi]?|reparto|squadra|team|segretariato|segreteria|amministrazione|ministr[oi]|ministero"
    "|medic[oi]|avvocat[oi]|genitori|client[ei]|fornitor[ei]|membr[oi]|dipendent[ei]|collaborator[ei]|collaboratric[ei]"
    "|proprietari[oa]?|person[ae]|personale|signora?|nessuno|tutti",
)
_DUTCH = _Words(
    before="en|tot|vanaf|met|voor|van|in|op|sinds|om|binnen|aan|bij",
    count="hoeveel",
    when="wanneer|hoe laat|welke? (?:datum|dag|jaar|maand|eeuw|tijd)",
    span="hoe (?:lang|vaak|snel|vroeg|gauw)|welke termijn",
    who="wie|wiens",
    where="waar|waarheen|welke? (?:gebouw|land|plaats|regio|stad|straat|zaal|adres)",
    cost="(?:hoeveel|wat) kost(?:en|te|ten)?|hoe duur|wat is (?:de|het) (?:huur|kosten|loon|prijs|salaris|tarief)",
    measure="hoe (?:groot|hoog|lang|oud|ver|zwaar|diep|breed)"
    "|wat is (?:de|het)(?: [\\w-]+)? (?:aantal|bedrag|duur|grootte|leeftijd|lengte|limiet|maximum|minimum|nummer"
    "|percentage|termijn|vergoeding)",
    yes="welke?|is|zijn|mag|kan|moet",
    numbers="nul|twee|drie|vier|vijf|zes|zeven|acht|negen|elf|twaalf|dertien|veertien|[^\\W\\d_]*(?:tien|twintig|dertig"
    "|veertig|vijftig|zestig|zeventig|tachtig|negentig|honderd|duizend)(?:d?ste|de)?|miljoen|miljard|dozijn|half|halve"
    "|helft|derde|kwart|eerste|tweede|vierde|vijfde|geen|nooit|onbeperkt|gratis|elke?|ieder[e]?|(?:een|twee|drie)maal",
    units="seconden?|minu(?:ut|ten)|u(?:ur|ren)|[^\\W\\d_]*dag(?:en)?|we(?:ek|ken)|maand(?:en)?|ja(?:ar|ren)"
    "|kwarta(?:al|len)|eeuw(?:en)?|keer|dagelijks|wekelijks|maandelijks|jaarlijks",
    day="januari|februari|maart|april|mei|juni|juli|augustus|september|oktober|november|december"
    "|(?:maan|dins|woens|donder|vrij|zater|zon)dag(?:en|s)?|eeuw|middernacht",
    events="vandaag|morgen|gisteren|nu|onmiddellijk|nooit|altijd|wanneer|zodra|als|voordat|voor|na|nadat|tot|sinds"
    "|tijdens",
    money="frank|euro|cent|dollar|pond|gratis|kosteloos",
    roles="[^\\W\\d_]*(?:directeur|directrice|directie|chef|baas|leider|leidster|leiding|leidinggevenden?|manager"
    "|verantwoordelijken?|voorzitter|bestuur|raad|commissie|comité|dienst|afdeling|team|secretariaat|administratie"
    "|minister|ministerie|arts|advocaat|ouders|klant|klanten|leverancier|leden|lid|werknemers?|medewerkers?|werkgever"
    "|eigenaar|personeel|persoon|personen|mevrouw|niemand|iedereen)",
)
_PORTUGUESE = _Words(
    before="e|a|com|para|desde|até|de|em|por|durante",
    count="quant[oa]s",
    when="quando|que (?:horas|data|ano|mês|dia|século)",
    span="quanto tempo|(?:que|qual) (?:frequência|prazo)|de quanto em quanto",
    who="quem",
    where="onde|aonde|que (?:cidade|edifício|lugar|país|região|rua|sala)",
    cost="quanto (?:custa|custam|custou|custava|vale)|qual (?:é|era) o (?:aluguel|custo|preço|salário)",
    measure="quant[oa]|qua(?:l|is) (?:é|são|era) (?:o|a|os|as)(?: [\\w-]+)? "
    "(?:comprimento|duração|idade|limite|máximo|mínimo|montante|número|percentagem|porcentagem|prazo|tamanho|tarifa"
    "|taxa|valor)",
    yes="qual|quais|é|são|há|posso|devo|pode-se",
    numbers="zero|dois|duas|três|quatro|cinco|seis|sete|oito|nove|dez|onze|doze|treze|[cq]uatorze|catorze|quinze"
    "|dez[^\\W\\d_]{4,6}|vinte|trinta|quarenta|cinquenta|sessenta|setenta|oitenta|noventa|cem|cento"
    "|(?:duz|trez|quatroc|quinh|seisc|setec|oitoc|novec)ent[oa]s|mil|milh(?:ão|ões)|dúzias?|metade|mei[oa]|terço|quarto"
    "|nenhum(?:a)?|nunca|ilimitad[oa]s?|grátis|gratuit[oa]s?|cada|primeir[oa]|segund[oa]|terceir[oa]",
    units="segundos?|minutos?|horas?|dias?|semanas?|m(?:ês|eses)|anos?|trimestres?|semestres?|séculos?|vezes|vez"
    "|diári[oa]|diariamente|semanal(?:mente)?|mensal(?:mente)?|anual(?:mente)?",
    day="janeiro|fevereiro|março|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro"
    "|(?:segunda|terça|quarta|quinta|sexta)(?:s?-feiras?)|sábados?|domingos?|século|meio-dia|meia-noite",
    events="hoje|amanhã|ontem|agora|imediatamente|nunca|sempre|quando|assim que|antes|depois|após|até|desde|durante",
    money="francos?|cêntimos?|centavos?|euros?|dólar(?:es)?|libras?|reais|real|grátis|gratuit[oa]s?",
    roles="diretor(?:a|es|as)?|direção|chef[ea]s?|responsáve(?:l|is)|superior(?:es|a)?|president[ea]s?|comité|comitê"
    "|conselho|comissão|serviços?|departamentos?|equipas?|equipes?|secretaria|administração|ministr[oa]s?|ministério"
    "|médic[oa]s?|advogad[oa]s?|pais|clientes?|fornecedor(?:es|a)?|membros?|empregad[oa]s?|funcionári[oa]s?"
    "|trabalhador(?:es|a|as)?|proprietári[oa]s?|pessoas?|pessoal|senhora?|ninguém|todos",
)
_OF_LANGUAGE = {
    "de": _asking(_GERMAN),
    "fr": _asking(_FRENCH),
    "es": _asking(_SPANISH),
    "it": _asking(_ITALIAN),
    "nl": _asking(_DUTCH),
    "pt": _asking(_PORTUGUESE),
}


def asking() -> Asking:
    """As the language that is read asks."""
    return _OF_LANGUAGE.get(language_read(), ENGLISH)
