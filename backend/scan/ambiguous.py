"""Extensions that several languages claim, settled by what the text looks like."""

import re

HEAD = 50_000
"""Characters looked at."""


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


OBJECTIVE_C = _rule(r"^\s*(@(interface|implementation|protocol|class|property|end|import|selector)\b|#import\s)")
CPP = _rule(
    r"^\s*(#\s*include <(cstdint|string|vector|map|list|array|memory|utility|functional|algorithm|iostream|optional)>"
    r"|template\s*<|(inline\s+)?namespace\b|using\s+(namespace\s|[\w:]+\s*=)|class\s+\w+[^;]*$"
    r"|(public|private|protected)\s*:)"
    r"|\bstd::|\bconstexpr\b|\bnoexcept\b"
)
RULES: dict[str, list[tuple[re.Pattern[str], str]]] = {
    ".h": [(OBJECTIVE_C, "Objective-C"), (CPP, "C++")],
    ".m": [
        (OBJECTIVE_C, "Objective-C"),
        (_rule(r"^:- (module|interface|implementation)"), "Mercury"),
        (_rule(r"^\s*(%|function\b|classdef\b|end\s*$|\w+\s*=\s*\[)"), "MATLAB"),
        (_rule(r"\(\*|\*\)|:="), "Mathematica"),
    ],
    ".mm": [(_rule(r"^\.(TH|SH|PP|nr|de)\b"), "Roff")],
    ".pl": [
        (_rule(r"^[^#\n]*:-"), "Prolog"),
        (_rule(r"^\s*use\s+(strict\b|warnings\b|v?5\b)|^\s*(my|sub|package)\s"), "Perl"),
    ],
    ".pm": [(_rule(r"^\s*use v6|^\s*(unit )?(class|role|grammar) "), "Raku")],
    ".t": [(_rule(r"^\s*use v6"), "Raku")],
    ".pro": [
        (_rule(r"^\s*(TEMPLATE|CONFIG|QT|SOURCES|HEADERS)\s*[+*-]?="), "QMake"),
        (_rule(r"^\s*(pro|function)\s+\w+|^\s*;"), "IDL"),
    ],
    ".ts": [(_rule(r"<TS\b[^>]*>|<!DOCTYPE TS>"), "XML")],
    ".tsx": [(_rule(r"<\?xml|<tileset"), "XML")],
    ".rs": [(_rule(r"<rs:|<\?xml"), "XML")],
    ".md": [(_rule(r"^\(define_\w+|^\s*;; "), "GCC Machine Description")],
    ".fs": [
        (_rule(r"^\s*#version\s|^\s*(precision|uniform|varying|vec[234])\s"), "GLSL"),
        (_rule(r"^: \S+ .*|^\\ "), "Forth"),
    ],
    ".f": [(_rule(r"^: \S+ "), "Forth")],
    ".for": [(_rule(r"^: \S+ "), "Forth")],
    ".v": [
        (_rule(r"^\s*(Require|Import|Theorem|Lemma|Proof|Qed|Definition|Inductive|Fixpoint)\b"), "Rocq Prover"),
        (_rule(r"^\s*(module\s+\w+\s*$|fn\s|import\s+\w+\s*$|pub\s+fn)"), "V"),
    ],
    ".cls": [
        (_rule(r"\\(NeedsTeXFormat|ProvidesClass|documentclass)"), "TeX"),
        (_rule(r"^VERSION \d|^Attribute VB_"), "VBA"),
        (_rule(r"^\s*(public|private|global|@\w+)\b.*\bclass\b|^\s*(global|public)\s+(with|without)"), "Apex"),
    ],
    ".d": [
        (_rule(r"^\s*(module|import|alias|void|int|class|struct|version)\b"), "D"),
        (_rule(r"^[^\s:]+\s*:.*(\\)?$"), "Makefile"),
    ],
    ".l": [
        (_rule(r"^%(%|\{|option)"), "Lex"),
        (_rule(r"^\s*\((def|setq|in-package)"), "Common Lisp"),
        (_rule(r'^\.\\"'), "Roff"),
    ],
    ".pp": [(_rule(r"^\s*(unit|program|uses|interface|begin|procedure)\b"), "Pascal")],
    ".tpl": [(_rule(r"^\{\{-? |\.Values\."), "Go Template")],
    ".x": [
        (_rule(r"^\s*(struct|program|union|typedef|const)\b"), "RPC"),
        (_rule(r"^%(hook|group|end|orig|ctor)"), "Logos"),
    ],
    ".nb": [(_rule(r"Notebook\["), "Mathematica")],
    ".i": [
        (_rule(r"^%(module|include|typemap|\{)"), "SWIG"),
        (_rule(r"^\s*[.;]|^\s+(mov|ld[arxy]|st[axy]|jsr)\b"), "Assembly"),
    ],
    ".sc": [(_rule(r"^\s*(SynthDef|SuperCollider|~\w+)"), "SuperCollider")],
    ".st": [(_rule(r"^\s*(delimiters|\w+\(.*\)\s*::=)"), "StringTemplate")],
    ".sql": [(_rule(r"\bLANGUAGE\s+'?plpgsql|\$\$"), "PLpgSQL"), (_rule(r"^\s*GO\s*$"), "TSQL")],
    ".service": [(_rule(r"^\[(Unit|Service|Install)\]"), "INI")],
    ".props": [(_rule(r"^\s*[\w.]+\s*="), "INI")],
    ".mod": [(_rule(r"<!ENTITY"), "XML")],
    ".sol": [(_rule(r"^\s*(pragma|contract|interface|library)\b"), "Solidity")],
    ".asc": [(_rule(r"^-----BEGIN PGP"), "Public Key"), (_rule(r"^[=-]+(\s|\n)|\{\{"), "AsciiDoc")],
}


def settle(extension: str, text: str, usual: str) -> str:
    """The language of a text whose extension is usually `usual`."""
    head = text[:HEAD]
    for pattern, language in RULES.get(extension, ()):
        if pattern.search(head):
            return language
    return usual
