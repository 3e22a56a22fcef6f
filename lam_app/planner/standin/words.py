"""General English, as much of it as matching a request with a tool needs."""

import re
from typing import Any, TypeAlias

JSON: TypeAlias = Any
"""What a JSON text holds."""


def listed(words: str) -> frozenset[str]:
    """The words of a list that is written as one text."""
    return frozenset(words.split())


KINDS: dict[str, tuple[str, str, str]] = {
    # kind: (verbs that ask for it, words by which a tool offers it with weights, how a done one is told)
    "tell": (
        """tell inform notify message email mail text remind warn alert contact answer reply respond ask thank
        apologise apologize assure let""",
        """message:1 notify:1 notification:1 tell:1 inform:1 email:0.9 mail:0.8 sms:0.8 text:0.5 alert:0.7 contact:0.5
        reply:0.7 send:0.5""",
        "told",
    ),
    "send": ("send forward dispatch", "send:1 dispatch:0.9 forward:0.9 message:0.4 email:0.4", "sent"),
    "note": (
        "note record log jot document write",
        "note:1 memo:0.9 record:0.8 log:0.8 write:0.5 comment:0.6 message:0.3",
        "noted",
    ),
    "refund": ("refund reimburse repay", "refund:1 reimburse:1 repay:0.9 repayment:0.9", "refunded"),
    "cancel": ("cancel abort void revoke", "cancel:1 abort:0.9 void:0.9 revoke:0.9 cancellation:0.9", "cancelled"),
    "book": ("book reserve", "book:1 reserve:1 reservation:0.9 booking:0.9 hold:0.6", "booked"),
    "create": (
        "create add make open register raise start file submit",
        "create:1 add:0.9 new:0.8 make:0.7 open:0.8 register:0.8 insert:0.8 submit:0.6 start:0.6",
        "created",
    ),
    "find": (
        "find search look get show list fetch read check see view",
        "get:1 find:1 search:1 list:1 look:1 lookup:1 show:0.9 fetch:1 read:1 check:0.9 view:0.9",
        "looked up",
    ),
    "change": (
        "change update modify edit correct set adjust rename",
        "update:1 change:1 modify:1 edit:1 set:0.8 adjust:0.9 correct:0.9 rename:0.7 patch:0.8",
        "changed",
    ),
    "delete": ("delete remove erase drop", "delete:1 remove:1 erase:1 drop:0.8", "deleted"),
    "pay": ("pay settle transfer", "pay:1 payment:0.9 settle:0.9 transfer:0.8", "paid"),
    "ship": ("ship deliver", "ship:1 shipment:0.9 deliver:0.9 delivery:0.8 dispatch:0.8", "shipped"),
    "buy": ("buy order purchase", "buy:1 purchase:1 order:0.9 create:0.4", "ordered"),
    "schedule": (
        "schedule plan arrange",
        "schedule:1 plan:0.8 event:0.6 appointment:0.6 meeting:0.6 book:0.5 create:0.4",
        "scheduled",
    ),
    "move": ("reschedule move postpone", "reschedule:1 move:1 postpone:1 update:0.6 change:0.6", "moved"),
    "close": ("close resolve complete", "close:1 resolve:1 complete:0.8 update:0.4", "closed"),
    "assign": ("assign give", "assign:1 give:0.7 grant:0.6", "assigned"),
    "release": ("release free unblock", "release:1 free:0.8 unblock:0.7", "released"),
    "publish": ("publish post launch", "publish:1 post:0.9 launch:1 start:0.4", "published"),
    "block": ("block suspend lock disable", "block:1 suspend:1 lock:0.9 disable:0.9", "blocked"),
    "return": ("return exchange", "return:1 exchange:0.9", "returned"),
}
KIND_OF = {verb: kind for kind, (verbs, _, _) in KINDS.items() for verb in verbs.split()}
OFFERED_BY = {
    kind: {word: float(weight) for word, _, weight in (pair.partition(":") for pair in words.split())}
    for kind, (_, words, _) in KINDS.items()
}
DONE = {kind: done for kind, (_, _, done) in KINDS.items()}

ALSO_NOUNS = listed(
    "order note email message text book return contact plan answer mail record log show document file list "
    "check post reply set void hold free drop look move"
)
"""Verbs that are as often nouns: they begin a request only before something that a verb takes."""
TAKES = listed("the a an my our your his her their this that these all any both them him it me us to with")
PLAIN_ACTS = listed("create make do issue process request post submit run start perform")
"""First words of tool names that only say that the thing is done."""
STOP = listed(
    "a an the of to for in on at by with from and or but is are was be been it its this that these those as "
    "please also then me my our your his her their them him we i you he she they will would can could should "
    "have has had do does did not no so if about into out up any all some there here just via per who which "
    "what each one"
)
UNITS = listed("day week month year hour minute time euro dollar pound percent degree")


def stem(word: str) -> str:
    """A word without its ending, roughly: enough that `refunds`, `refunded` and `refunding` meet."""
    word = word.lower()
    if len(word) > 4:
        if word.endswith(("ied", "ies")):
            return word[:-3] + "y"
        for ending in ("ing", "ed"):
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                word = word[: -len(ending)]
                if word[-1] == word[-2] and word[-1] not in "sz":
                    word = word[:-1]
                break
        else:
            if word.endswith("s") and not word.endswith(("ss", "us", "is")):
                word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


OFFERED_STEMS = {kind: {stem(word): weight for word, weight in words.items()} for kind, words in OFFERED_BY.items()}


def name_words(name: str) -> list[str]:
    """`sendMessage`, `send_message`, `send-message`: send, message."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def stems(text: str) -> set[str]:
    """The words of a text that carry meaning, without their endings."""
    return {stem(word) for word in re.findall(r"[A-Za-z]{2,}", text) if word.lower() not in STOP}


def offered(kind: str, word: str) -> float:
    """How well a tool that has `word` in its name does what `kind` of verb asks, from 0 to 1."""
    if kind in OFFERED_STEMS:
        return OFFERED_STEMS[kind].get(stem(word), 0.0)
    return float(stem(word) == stem(kind))


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = " ".join(text.split()).strip(" ,;")
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")
