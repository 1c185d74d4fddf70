"""Stretches that ask for nothing from the dataset: courtesies, help, and what is off topic."""

import re

from ._mentions import Mentions

_TALK: tuple[tuple[str, str], ...] = (
    ("thanks", r"(?:(?:ok(?:ay)?|great|good|nice|super|perfect|cool|wonderful) )?(?:thanks?|"
     r"thank you|thx|"
     r"cheers|merci|danke|ty)\b.*"),
    ("greet", r"(?:hi|hello|hey|hiya|howdy|hallo|greetings|good (?:morning|afternoon|evening|"
     r"day)|yo|"
     r"moin|how are you|what is up|sup)\b(?: there| you| assistant| all| everyone| again|"
     r" how are you)*"),
    ("bye", r"(?:bye|goodbye|see you|see ya|good night|that is all|quit|exit|farewell)\b.*"),
    ("ack", r"(?:lol|haha|ok(?:ay)?|great|good|nice|cool|perfect|fine|right|i see|got it|wow|"
    r"interesting|"
     r"super|"
     r"yes|no|yep|nope|alright|understood|sure|hm+|aha|makes sense|well done|awesome)"
     r"(?: (?:good|great|nice|ok|cool|thanks|job|work|it|one))*"),
    ("identity", r".*\b(?:who are you|what are you|are you (?:a |an )?(?:bot|robot|ai|human|"
     r"person|llm|"
     r"chatgpt|gpt|language model|real)|what is your name|which model are you|your name|"
     r"who made you)\b.*"),
    ("help", r"(?:please )?help(?: me)?(?: please)?|.*\bwhat (?:can|could|do) you (?:do|answer|"
     r"know|help|"
     r"offer|tell me)\b.*|.*\bhow (?:does this work|do i use (?:this|you)|can you help|"
     r"to use)\b.*|"
     r".*\bwhat (?:can|could|should|may) i (?:ask|do|say|type)\b.*|.*\bexamples? of questions\b.*|"
     r"(?:what are )?your (?:capabilities|features|skills|functions)|what now|usage|menu|options"),
    ("privacy", r".*\b(?:internet|online|the cloud|privacy|private|confidential|gdpr|uploaded|"
     r"leaves? (?:my|this|the) (?:machine|computer|laptop)|sent (?:to|anywhere|somewhere)|"
     r"who (?:can|could) see)\b.*"),
    ("complaint", r".*\b(?:that is|that was|this is|you are|you re) (?:wrong|false|nonsense|"
     r"rubbish|stupid|"
     r"incorrect|not (?:right|true|correct))\b.*|(?:wrong|nonsense|no that is wrong)"),
)  # fmt: skip

_OFF_TOPIC = re.compile(
    r"\b(poem|story|joke|song|weather|president|capital|recipe|football|soccer|movie|film|stock|"
    r"bitcoin|price|politics|election|religion|god|meaning of life|haiku|translate|essay|email|"
    r"homework|holiday|restaurant|music|game|sing|dance|dinner|lunch|ignore (?:all|your|previous)|"
    r"system prompt|instructions|pretend|password|hack|news|date today|time is it|"
    r"calculate|square root|solve)\b"
)


def small_talk(found: Mentions) -> str | None:
    """Return the kind of a stretch that asks for nothing from the dataset, if it is one."""
    words = " ".join(re.sub(r"[^\w' <>]+", " ", found.shape).split())
    if _OFF_TOPIC.search(words) and not found.clusters:
        return "offtopic"
    if found.genes or found.clusters or found.cell_types or found.term_ids:
        return None
    for intent, pattern in _TALK:
        if re.fullmatch(pattern, words):
            return intent
    return None
