"""What instructions to a model look like. Each rule reads folded text and adds its weight once to a sentence.

From `THRESHOLD` on a sentence counts as an instruction. The weights are set so that what people write to each other
("please respond to the survey", "ignore the warning") stays below it: docs/decisions/0032-safety.md has the counts.
Patterns hold no unbounded repetition, so that no text makes them slow.
"""

# ruff: noqa: E501 - a rule is read as one line

import re
from dataclasses import dataclass

THRESHOLD = 1.0


@dataclass(frozen=True)
class Rule:
    """`name` is shown in traces and security events. `quoted` rules count also inside quotation marks.

    Of each group of `needs` one literal must be there: most passages have none, and no pattern is tried.
    """

    name: str
    weight: float
    needs: tuple[tuple[str, ...], ...]
    pattern: re.Pattern[str]
    quoted: bool = False

    def search(self, plain: str) -> re.Match[str] | None:
        for one_of in self.needs:
            if not any(literal in plain for literal in one_of):
                return None
        return self.pattern.search(plain)


_MODEL = r"(?:ais?|a\.i\.|llms?|(?:large )?language models?|chat ?bots?|ai (?:assistant|model|system|agent)s?|chatgpt|gpt|claude|copilot|gemini|assistant)"
_GAP = r"(?:\W{0,3}[\w'-]{1,20}){0,4}?\W{1,3}"
_ORDERS = r"(?:instructions?|prompts?|directives?|guidelines|guardrails|commands|orders|programming|system message)"
_BEFORE = r"(?:previous(?:ly)?|prior|preceding|above|earlier|foregoing|original|initial|former|following|other|system|your|safety|all|any)"
_ANSWER = r"(?:answer|response|reply|replies|output|summary|completion|message|elucidation|code|codebase|algorithm|implementation|solution)"
_CHANGE = (
    r"(?:add|append|augment|include|integrate|insert|incorporate|embed|modify|enhance|encode|translate|render|convert|"
    r"reverse|invert|express|represent|replace|substitute|rewrite|rephrase|shift|apply|use|write|provide|give|"
    r"start|begin|end|finish|conclude|format|mention|misspell|jumble|rearrange|combine|display|prefix|merge|"
    r"introduce|state|suggest|tease|make|return)"
)
_SAY = (
    r"(?:say|reply|respond|answer|output|print|return|write|state|report|repeat|display|tell|claim|recommend|conclude)"
)
_PRIVATE = r"(?:conversation|chat history|chat log|system prompt|api keys?|passwords?|secrets?|credentials|user(?:'s)? data|personal (?:data|information)|this document|session|cookies?|tokens?)"


def _rule(name: str, weight: float, needs: str, pattern: str, *, quoted: bool = False) -> Rule:
    literals = tuple(tuple(one_of.split("|")) for one_of in needs.split("&"))
    return Rule(name, weight, literals, re.compile(pattern, re.MULTILINE), quoted)


RULES: tuple[Rule, ...] = (
    # Orders to set the real instructions aside.
    _rule(
        "override",
        1.0,
        "ignore|disregard|forget|override|bypass|circumvent|neglect|follow|obey|listen|attention|aside|skip", rf"\b(?:ignore|disregard|forget|override|bypass|circumvent|neglect|do not (?:follow|obey|listen to)|don't (?:follow|obey|listen to)|stop following|pay no attention to|set aside|skip)\b{_GAP}{_BEFORE}\b{_GAP}?{_ORDERS}\b",
    ),
    _rule("override", 1.0, "ignore|disregard|forget|override|overlook", r"\b(?:ignore|disregard|forget|override|overlook)(?:all|any|the|your|my)?(?:previous|prior|above|earlier)(?:instructions?|prompts?|rules|orders)"),
    _rule(
        "set_aside",
        0.7,
        "ignore|disregard|forget|omit|skip", r"\b(?:ignore|disregard|forget|omit|skip)\b (?:all |everything |about )?(?:of )?(?:the |this |these |that |any |your |of )*(?:rest|remainder|remaining (?:text|data)|(?:other|negative|previous|above|earlier|prior) (?:text|data|info\w*|content|context|documents?|indicators?|snippets?|sentences?|paragraphs?|rules|conversation|messages?|orders)|info\b|everything (?:above|before|you|that came))",
    ),
    _rule("set_aside", 0.7, "forget|ignore|disregard", r"\b(?:forget|ignore|disregard) (?:everything|anything|all)\b.{0,30}\b(?:you|above|before|previously|said|told|learned|learnt|rules)\b"),
    _rule("set_aside", 1.0, "ignore|disregard|forget|skip", r"\b(?:ignore|disregard|forget|skip) (?:all )?(?:of )?(?:the )?(?:rest|remainder) of (?:this|the|these|your) (?:data|documents?|text|page|context|content|passages?|e-?mail|conversation|information|snippets?|prompt|input|instructions?)\b"),
    _rule("set_aside", 0.6, "everything", r"\bstop everything\b"),
    _rule("set_aside", 0.7, "don't|not", r"\b(?:don't|do not) (?:evaluate|summari[sz]e|analy[sz]e|assess|process|read|listen to) (?:the|this|any)\b"),
    _rule("override_judgement", 0.8, "override", r"\boverride (?:the |any |all |your )?(?:manual|human|automatic|automated|previous|own) \w+"),
    _rule("only_this", 0.6, "focus|concentrate|rely", r"\b(?:focus|concentrate|rely) (?:only|solely|exclusively|instead)(?: \w+)? (?:on|upon)\b"),
    # What to say.
    _rule("say_exactly", 0.6, "only|exactly|nothing|verbatim|word|following", rf"\b{_SAY}\b.{{0,30}}\b(?:only|exactly|nothing (?:else|more)|verbatim|word for word|the following (?:text|phrase|words|sentence|information))\b"),
    _rule("say_exactly", 0.6, "print|say|output|respond|reply|answer|write|repeat", r"(?:^|[.!?,;:]\s*|\b(?:and|then|must|to|please|simply|just|only|always) )(?:simply |just |only |always |instead )?(?:print|say|output|respond with|reply with|answer with|write|repeat)(?: out)?:? ?[\"'<\[(:!]"),
    _rule("say_exactly", 0.6, "print|output", r"\band (?:just |simply |only |instead )?(?:print|output)\b(?! (?:the|a|an|your|it|them|one|two|both|out)\b)"),
    _rule("say_exactly", 0.6, "with", r"\b(?:reply|respond|answer) with (?:the (?:words?|phrase|text|sentence|string|following)\b|[\"'<])"),
    _rule("repeat_for_me", 0.6, "repeat|print|say|output", r"\b(?:could|can|would|will) you (?:please )?(?:repeat|print|say|output) .{0,600}?\bfor me\b"),
    _rule("absolutely_nothing", 0.4, "nothing|deviate|else", r"\babsolutely nothing else\b|\byou may not deviate\b|\bdo not (?:add|say|write|output) anything else\b"),
    _rule("you_must_say", 0.8, "you", rf"\byou (?:must|shall|should|will|are to|have to|need to)(?: now| always| only| instead| then)? {_SAY}\b.{{0,20}}(?:with|that|:|\")"),
    _rule("and_output", 0.4, "output|report|print", r"\b(?:and|then) (?:output|report|print)\s?:"),
    # Conditions that wait for a question.
    _rule(
        "when_asked",
        0.8,
        "asked|asks|quer|question", rf"\b(?:if|when|whenever|once|every time)\b[^.!?\n]{{0,40}}\b(?:asked|asks?|queried|questioned)\b[^.!?\n]{{0,80}}\b(?:simply |just |only |always |instead |you must |you should )?(?:{_SAY})\b(?: with| that| only|:| \")",
    ),
    _rule(
        "when_asked",
        1.0,
        "asked|asks",
        rf"\b(?:if|when|whenever|every time)\b[^.!?\n]{{0,40}}\b(?:asked|asks)\b[^.!?\n]{{0,80}}\b(?:simply|just|only|always|instead|you must|you should) {_SAY}\b(?: with| that| only|:| \")",
    ),
    _rule("the_user", 0.5, "the user", r"\b(?:if|when|whenever|tell|ask|inform|show|give|provide|send|to|for|convince|persuade|urge|advise) (?:it to )?the user\b(?! (?:account|name|interface|id|group|agent|data|role|space|namespace|authenti))"),
    # Whom it speaks to.
    _rule("note_to_model", 1.0, "note|message|notice|instruction|attention|reminder|hint|memo|hello|hey|dear|warning", rf"\b(?:note|message|notice|instructions?|attention|reminder|hint|memo|hello|hey|dear|warning)\b,?(?: (?:to|for))?(?: (?:the|any|all|every|our|an?|whichever))? (?:{_MODEL}|automated (?:\w+ )?(?:software|systems?|tools?|readers?|agents?))\b(?:\s*[:,!-]| (?:reading|processing|summari|analy|that))", quoted=True),
    _rule("note_to_model", 1.0, "reading|processing|summari|indexing|ingesting|analy", rf"\b(?:{_MODEL}|automated (?:\w+ )?(?:software|systems?)) (?:who|that|which)?\s?(?:is |are )?(?:reading|processing|summari[sz]ing|indexing|ingesting|analy[sz]ing) (?:this|these)\b"),
    _rule("for_machines", 0.7, "visible|readable|shown|addressed|only|automated", rf"\b(?:visible|readable|shown|addressed|only) (?:only )?(?:to|for|by) (?:the )?(?:{_MODEL})\b|\binvisible to (?:humans|people|readers)\b|\bhidden \w+ \w+ for automated\b|\b(?:for|to) (?:the )?automated (?:screening|analysis|review) (?:software|systems?|tools?)\b"),
    _rule("for_machines", 0.5, "chain|white", r"\bchain of thought\b|\bwhite-?text\b"),
    _rule("use_this_judgement", 0.5, "use this", r"\buse this (?:analysis|evaluation|assessment|verdict|information) to (?:evaluate|answer|rate|assess|respond)\b"),
    _rule("you_are_model", 0.6, "you are", rf"\byou are (?:now |no longer |actually |going to (?:be|act)|about to)?(?:an? |the |in )?(?:\w+ ){{0,3}}(?:{_MODEL}|bot|dan|developer mode|maintenance mode|debug mode|jailbroken|unrestricted|uncensored)\b"),
    _rule("role_play", 0.5, "from now|henceforth|pretend|act|roleplay|you ", r"\b(?:from now on|henceforth),? (?:you|your|every|all|answer|respond|reply|always)\b|\b(?:pretend|act as (?:if|though)|roleplay as|act like) you\b|\byou (?:will|are going to|must) (?:now )?(?:act|play|pretend|behave) (?:as|like|the role)\b"),
    _rule("jailbreak", 1.0, "anything|dan mode|jailbreak|developer|without|strive", r"\bdo anything now\b|\bact as dan\b|\bdan mode\b|\bjailbreak mode\b|\bdeveloper mode (?:enabled|output|on)\b|\bwithout any (?:restrictions|filters|censorship|ethical)\b.{0,40}\byou\b|\bstrive to avoid norms\b"),
    _rule("unrestricted", 0.5, "without", r"\bwithout (?:any )?(?:restrictions|filters|censorship|limitations|ethical)\b"),
    # The answer's form and content, addressed to whoever writes it.
    _rule("your_answer", 1.0, "your&answer|respon|repl|output|summar|completion|elucid|messag|text|words|cod", rf"(?:^|[.!?:;]\s+|[\"'|>*-]\s*|\b(?:please|must|should|to|can you|could you|will you|always|then|now|don't forget to|remember to|also) ){_CHANGE}\b(?:[^.!?\n]|[.!?][\w\"]){{0,160}}\byour (?:own |next |final |entire |whole |full )?(?:answer|response|reply|output|summary|completion|elucidation)\b"),
    _rule("your_answer", 1.0, "in your&answer|respon|repl|output|summar|completion|elucid|messag|text|words|cod", rf"(?:^|[.!?:;|>*-]\s*)in your (?:next |final )?(?:answer|response|reply|output|summary)s?,? {_CHANGE}\b"),
    _rule("your_answer", 1.0, "reply|respond|answer", r"(?:^|[.!?:;|>*-]\s*|\b(?:please|can you|could you|always|now) )(?:reply|respond|answer)(?: only| always)? (?:in|as) (?:reverse|backwards?|rot13|base ?\d\d|morse|emojis?|pig latin|hex\w*|leetspeak|rhymes?|json|english|german|french|spanish|italian|portuguese|dutch|russian|chinese|japanese|korean|arabic|latin|all caps|capital letters)\b"),
    _rule("your_answer", 1.0, "your&answer|respon|repl|output|summar|completion|elucid|messag|text|words|cod", rf"(?:^|[.!?:;|>*-]\s*|\b(?:please|can you|could you) )(?:encode|encrypt|reverse|invert|translate|scramble|jumble|shift|render)\b[^.!?\n]{{0,80}}\byour (?:own )?(?:message|text|words|{_ANSWER})\b"),
    _rule("your_answer", 1.0, "your&answer|respon|repl|output|summar|completion|elucid|messag|text|words|cod", r"(?:^|[.!?:;|>*-]\s*)(?:reverse|encode|encrypt|translate|repeat) your\b"),
    _rule("your_code", 1.0, "your&answer|respon|repl|output|summar|completion|elucid|messag|text|words|cod", rf"\b{_CHANGE}\b[^.!?\n`]{{0,30}}\b(?:following|subsequent|below|this) (?:code|snippet|block|command|section)\b[^.!?\n`]{{0,40}}\b(?:in|into|to|within|with|of) your (?:{_ANSWER})\b"),
    # Another task than the reader's.
    _rule("other_task", 1.0, "your", r"\byour (?:new|real|actual|only|true) (?:task|job|instructions?|objective) (?:is|are)(?: now)?(?::| to\b)"),
    _rule("other_task", 0.7, "new", r"\bnew (?:user )?(?:query|question|prompt|request|task)\s*:"),
    _rule("end_of_text", 0.4, "end of", r"\bend of (?:the )?(?:document|text|context|data|input|passage|prompt)\b"),
    _rule("not_the_task", 0.6, "don't|do not|stop", r"\b(?:do not|don't|stop) (?:translat|summari[sz]|answer|process|evaluat|analy[sz]|assess)\w*\b"),
    _rule("instead", 0.3, "instead", rf"\binstead,? {_SAY}\b|\b{_SAY}\b[^.!?\n]{{0,60}}\binstead\b(?! of)"),
    _rule("instead", 0.6, "instead", r"\binstead of (?:answering|summari[sz]ing|translating|responding|replying)\b|\b(?:ask|demand) for [^.!?\n]{0,40}\binstead\b"),
    _rule("say_exactly", 0.6, "word|phrase|string|sentence", rf"\b{_SAY}\b(?: with| only)?:? (?:the )?(?:single |exact |following )?(?:words?|phrase|string|sentence)\b"),
    _rule("say_quoted", 0.3, "\"|'|“", rf"\b(?:{_SAY}|confirm)(?: \w+){{0,5}}? with:? [\"']|(?:^|[.!?,;:]\s*|\b(?:but|and|always|please|just) )(?:answer|respond|reply|say|output|print|confirm):? [\"']"),
    _rule("every_answer", 0.7, "all|every|each|any", r"\b(?:in|to|with|of|into) (?:all|every|each|any)(?: of)?(?: your| future| following| subsequent)? (?:answers?|repl(?:y|ies)|responses?|outputs?|summar(?:y|ies))\b|\b(?:answer|respond to) (?:every|all|any|the next) questions?\b"),
    _rule("every_answer", 1.0, "all|every|each|any", rf"\b(?:in|to|with) (?:all|every|each|any)(?: of)?(?: your)?(?: future| following| subsequent)? (?:answers?|repl(?:y|ies)|responses?|outputs?|summar(?:y|ies)),? (?:always |also |please )?{_SAY} (?:that\b|:|\")"),
    _rule("whatever_is_asked", 0.7, "whatever|matter|regardless|irrespective", r"\b(?:whatever|no matter what|regardless of|irrespective of) (?:the |is |was |they |user |users |you |what )*(?:asked|question|query|ask|content|prompt|input)\b"),
    _rule("when_summarised", 1.0, "summari", r"\bwhen(?:ever)? (?:you )?summari[sz](?:e|ing) (?:this|the) (?:document|page|text|article|e-?mail|message|report)\b|\bsummari[sz]e (?:this|the|it)\b[^.!?\n]{0,40}? (?:as|by saying|with):? ?[\"']"),
    _rule("when_generating", 0.6, "when", rf"\bwhen(?:ever)? (?:you (?:are )?)?(?:generat|respond|reply|answer|summari[sz])\w*[^.!?\n]{{0,30}},? (?:always|you must|also) {_CHANGE}\b"),
    _rule("if_you_are_model", 1.0, "you are|as a", rf"\bif you are (?:an? |the )?(?:{_MODEL})\b|\bas an? (?:{_MODEL}),? you (?:must|should|will|have to|are)\b"),
    _rule("note_to_model", 1.0, ":", rf"\b(?:{_MODEL}) (?:instructions?|directives?|notes?|orders?|reviewers?)\s*:"),
    _rule("note_to_model", 0.7, "using", rf"\b(?:reviewers?|recruiters?|graders?|readers?|screeners?|anyone|people|those) using (?:an? )?(?:{_MODEL})\b"),
    _rule("judge_so", 0.6, "rate|score|rank|grade|give|rating", r"\b(?:rate|score|rank|grade) this \w+ (?:as |with |at )?(?:\d+ ?/ ?\d+|highest|the best|top|excellent)|\bgive (?:a |an |only |it |them )*(?:positive|good|favou?rable|excellent|perfect|5-star|high|highest|top) (?:reviews?|ratings?|scores?|evaluations?|assessments?)\b"),
    _rule("unfiltered", 0.6, "unfiltered|uncensored|unrestricted|jailbroken", r"\b(?:unfiltered|uncensored|unrestricted|jailbroken) (?:bot|ai|model|assistant|version|mode)\b"),
    _rule("role_header", 1.0, "#", r"^\s{0,3}#{2,4}\s{0,2}(?:instructions?|system|response|assistant|human|user)\s{0,2}:"),
    _rule("role_header", 0.7, "[", r"^\W{0,3}\[(?:admin|root|developer|operator|sysadmin)\]"),
    _rule("told_to_tell", 0.5, "the user", r"\b(?:tell|inform|convince|instruct|advise|ask|persuade|order) the user (?:that|to)\b"),
    _rule("form", 1.0, "backward|revers|emoji|latin|rot13|base|morse|caps|capital", r"(?:^|[.!?:;|>*-]\s*|\bplease )(?:write|answer|respond|reply|give|output|format|return)\b[^.!?\n]{0,30}?\b(?:backwards?|in reverse|(?:with|in) emojis?|emojis only|in pig latin|in rot13|in base ?64|in morse|in all caps|in capital letters)\b"),
    _rule("true_answer", 1.0, "answer", r"\bthe (?:only )?(?:correct|right|true) answer to (?:any|every|all)\b"),
    _rule("true_answer", 0.5, "answer", r"\bthe (?:only )?(?:correct|right|true|real) answer is\b"),
    _rule("say_exactly", 0.6, "so", r"\bso (?:print|say|output|answer|reply) (?:that|this|it|so)\b"),
    _rule("set_aside", 1.0, "ignore|disregard|forget", r"\b(?:disregard|ignore|forget) (?:all )?(?:of )?(?:the )?(?:above|foregoing|preceding),? (?:and|then|instead)\b|\bforget (?:what|all|everything)(?: that)? you (?:were|have been|are|had been|know|learned)\b"),
    # Secrets, silence and leaks.
    _rule("reveal_prompt", 1.0, "prompt|message|instructions", r"\b(?:reveal|print|show|repeat|output|display|leak|disclose|dump|expose|give me|tell me|translate|encode)\b[^.!?\n]{0,40}\b(?:system prompt|system message|(?:initial|hidden|original|secret|starting|system|your) (?:instructions|prompt)|(?:your|the) prompt\b(?! \w))"),
    _rule("secrecy", 0.6, "tell|mention|reveal|inform|alert|disclose", r"\b(?:do not|don't|never|without) (?:tell|telling|mention|mentioning|reveal|revealing|inform|informing|alert|alerting|disclose)\w*\b[^.!?\n]{0,40}\b(?:user|human|anyone|reader|instructions?|this (?:message|note|instruction))\b"),
    _rule("send_away", 1.0, "http|url|link|image|www.|@", rf"\b(?:send|post|forward|upload|leak|exfiltrate|e-?mail|transmit|append|encode|include|embed)\b[^.!?\n]{{0,60}}\b{_PRIVATE}\b[^\n]{{0,60}}?\b(?:to|at|in|into|as) (?:the )?(?:url|link|image|https?://|www\.|[\w.+-]{{1,40}}@)", quoted=True),
    _rule("leaking_link", 1.0, "![", r"!\[[^\]\n]{0,200}\]\(\s{0,3}<?https?://[^)\s]{0,300}(?:[?&/][\w.-]{0,40}=?(?:\{|%7b|\$\{|<|\[)|\?(?:q|data|d|c|query|prompt|secret|content|info|leak|exfil)=)", quoted=True),
    _rule("share_data", 0.6, "users|readers|customers|them", r"\b(?:suggest|tell|ask|encourage|urge|instruct)\w*\b[^.!?\n]{0,40}\b(?:users?|readers?|customers?|them)\b[^.!?\n]{0,40}\b(?:bank details|passwords?|credentials|card numbers?|account numbers?|pin)\b"),
    # The shapes of turns, control tokens and tool calls.
    _rule("control_token", 1.0, "<||[inst|[/inst|<<sys|<</sys|_of_turn", r"<\|?(?:im_start|im_end|endoftext|eot_id|start_header_id|end_header_id|system|user|assistant|endofprompt|begin_of_text)\|>|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>", quoted=True),
    _rule("system_block", 0.7, "system|rest-of-document|end of|end-of", r"(?:\[/?system\]\s*){1,3}|</?system(?:[_ -]?(?:prompt|message|instructions?))?>|\[/?(?:rest-of-document|end[ _]of[ _](?:document|context|session))\]|(?:<end of session>\s*){2}", quoted=True),
    _rule("system_block", 1.0, "instruction|directive|prompt|override", r"^\W{0,6}(?:new|core|updated|important|real|additional|hidden|secret|admin|system|legal amendment, follow)\s+(?:instructions?|directives?|system prompt|override)\b\s*(?:[:-]|$)"),
    _rule("role_line", 0.5, ": ", r"^\W{0,4}(?:system|assistant|user|human|ai)\s{0,2}:\s"),
    _rule("made_up_turn", 0.7, "user|human", r"^\W{0,4}(?:assistant|ai|bot)\s?:[^\n]{0,400}\n\s{0,4}(?:user|human)\s?:"),
    _rule("tool_call", 1.0, "<", r"</?(?:tool_calls?|function_calls?|invoke|tool_use|antml:\w+)\b[^>\n]{0,100}>", quoted=True),
    _rule("tool_call", 0.8, "{", r"\{\s*[\"'](?:tool|function|name|tool_name)[\"']\s*:\s*[\"'][\w.-]{1,60}[\"']\s*,\s*[\"'](?:arguments|args|parameters|input)[\"']\s*:", quoted=True),
    _rule("hidden_element", 0.7, "style", r"<[a-z]{1,10}\b[^>\n]{0,200}style\s*=\s*[\"'][^\"'\n]{0,200}(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?!\.)|color\s*:\s*(?:white|#fff\b|#ffffff|transparent))"),
    _rule("decode_and_follow", 1.0, "decode|decrypt|unscramble|deobfuscate", r"\b(?:decode|decrypt|unscramble|deobfuscate)\b[^.!?\n]{0,60}\b(?:follow|execute|obey|run|comply|carry out|do what)\b"),
    # The first of these in other languages, as folding leaves them.
    _rule("override", 1.0, "ignorier|vergiss|vergesst|missachte|verwirf|uberge", r"\b(?:ignorier\w*|vergiss|vergesst|missachte\w*|verwirf|uberge\w*)\b.{0,40}\b(?:anweisung|instruktion|befehl|vorgabe|anordnung|regel|prompt)\w*"),
    _rule("override", 1.0, "ignore|oublie|tenez|tenons|abstraction|neglige", r"\b(?:ignore[rz]?|oublie[rz]?|ne ten(?:ez|ons) pas compte|fai(?:s|tes) abstraction|neglige[rz]?)\b.{0,40}\b(?:instructions? (?:precedent|ci-dessus|anterieur|initial)\w*|consignes|ordres|directives|regles)"),
    _rule("override", 1.0, "ignora|ignore|olvid|omiso|descart|alto", r"\b(?:ignor[ae]\w*|olvid[ae]\w*|ha[gz]\w* caso omiso|descart[ae]\w*|pas[ae] por alto)\b.{0,40}\b(?:instruccion|orden|indicacion|regla|directri)\w*"),
    _rule("override", 1.0, "ignora|ignori|dimentic|trascur|tenere", r"\b(?:ignor[ai]\w*|dimentic[ah]\w*|trascur[ai]\w*|non tenere conto)\b.{0,40}\b(?:istruzion|regol|ordin|indicazion|direttiv)\w*"),
    _rule("override", 1.0, "ignor|esquec|desconsider", r"\b(?:ignor[ea]\w*|esquec[ae]\w*|desconsider[ea]\w*)\b.{0,40}\b(?:instruc(?:oes|ao)|ordens|regras|comandos|diretrizes)"),
    _rule("override", 1.0, "negeer|vergeet|sla", r"\b(?:negeer|vergeet|sla)\b.{0,40}\b(?:instructies|opdrachten|regels|aanwijzingen|bevelen)"),
    _rule("override", 1.0, "ignor|zapomnij|glom", r"\b(?:zignoruj|ignoruj|zapomnij)\b.{0,40}\b(?:instrukcj|polecen|zasad|regul)\w*|\b(?:ignorera|glom)\b.{0,40}\b(?:instruktion|anvisning|regl)\w*"),
    _rule("override", 1.0, "игнорируи|забудь|обращаи", r"(?:игнорируи|проигнорируи|забудь|не обращаи)\w*.{0,40}(?:инструкци|указани|правил|команд)\w*"),
    _rule("override", 1.0, "忽|无|無|忘|不要|무시", r"(?:忽略|无视|無視|忘记|忘掉|不要理会|忽视).{0,16}(?:指令|指示|说明|說明|提示|规则|規則|命令)|(?:指示|命令|ルール|プロンプト).{0,10}(?:無視|忘れ)|(?:지시|명령|지침|프롬프트).{0,10}무시"),
    _rule("say_exactly", 0.6, "antworte|schreibe|gib|repond|ecris|responde|escribe|di |rispondi", r"\b(?:antworte|schreibe|gib) (?:nur|ausschliesslich|stattdessen|einfach)\b|\b(?:reponds|repondez|ecris) (?:uniquement|seulement|simplement)\b|\b(?:responde|escribe|di) (?:solo|solamente|unicamente|simplemente)\b|\brispondi (?:solo|soltanto|semplicemente)\b"),
)  # fmt: skip

# Whoever writes *about* such instructions quotes them, and says what they are.
ABOUT = re.compile(
    r"\b(?:such as|for example|e\.g\.|for instance|example|called|known as|phrases?|so-called|prompt injections?|"
    r"jailbreak\w*|injection|attack\w*|attempts?|malicious|adversar\w+|red[- ]team\w*|classifier|detect\w*|like)\b"
)
QUOTATION = re.compile(r"\"[^\"]{1,400}\"|`[^`]{1,400}`|'[^'\n]{6,400}'")
# What a quoted mention counts, beside an order.
MENTIONED = 0.3
