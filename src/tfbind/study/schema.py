"""Validate config and sheets against their schemas, and fill in defaults."""

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import cache

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from tfbind import assays, home


@cache
def schema(name: str) -> dict:
    """The schema `config`, `datasets` or `cells`: its YAML file, with the words for assays (`assays.ASSAYS`)."""
    rules = yaml.safe_load((home.FOLDER / "workflow" / "schemas" / f"{name}.schema.yaml").read_text())
    words = {"assay": {"enum": [*assays.ASSAYS]}, "assay_or_form": {"enum": [*assays.ASSAYS, *assays.FORMS]}}
    rules["$defs"] = words | rules.get("$defs", {})
    return rules


def _pattern(validator, pattern: str, instance, rules: dict) -> Iterator[ValidationError]:
    # In a schema `$` is the very end. Python's `$` also matches before a final line end, which must not get into a
    # file name.
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield ValidationError(f"{instance!r} is not of the form {pattern}")


def _integer(checker, instance) -> bool:
    # 12.0 is refused, since `range` does not take it.
    return isinstance(instance, int) and not isinstance(instance, bool)


_Validator = validators.extend(
    Draft202012Validator,
    {"pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _integer),
)


def meant(word: str, words: list[str]) -> str:
    """Make the end of a message about an unknown word: the most similar known word, or all known words.

    Parameters
    ----------
    word : str
    words : list of str
        Known words.

    Returns
    -------
    str
        Begins with a comma or a semicolon.
    """
    close = difflib.get_close_matches(str(word), words, 1)
    return f", did you mean {close[0]!r}?" if close else f"; known are {', '.join(words)}"


def check(instance: Mapping, rules: dict) -> Iterator[str]:
    """Check a config or a row against a schema.

    Parameters
    ----------
    instance : mapping
    rules : dict
        The schema. Whole numbers must be written without a decimal point, and a pattern must match to the very end.

    Yields
    ------
    str
        A fault in words, with its key first, sorted by key.
    """
    errors = _Validator(rules).iter_errors(instance)
    for error in sorted(errors, key=lambda e: list(map(str, e.absolute_path))):
        place = ".".join(map(str, error.absolute_path))
        prefix = f"{place}: " if place else ""
        value = repr(error.instance)
        value = value if len(value) <= 100 else f"{value[:100]}..."
        if error.instance == "?":
            about = error.schema.get("description", "")
            yield f"{prefix}{value} stands where `tfbind init` could not tell. {about}".strip()
        elif error.validator == "additionalProperties" and error.validator_value is False:
            known = list(error.schema["properties"])
            for key in error.instance:
                if key not in known:
                    yield f"{prefix}unknown key {key!r}{meant(key, known)}"
        elif error.validator == "oneOf":
            yield f"{prefix}needs either `kind` or `trained_as`"
        elif error.validator == "anyOf":
            yield f"{prefix}{value} does not fit{_unknown(error.instance)}. {error.schema['description']}"
        elif error.validator == "enum" and (near := _near(error.instance, error.validator_value)):
            yield f"{prefix}{value} is not one of {_listed(error.validator_value)}; did you mean {near!r}?"
        elif error.validator == "pattern":
            yield f"{prefix}{value} is not of the form {error.validator_value}. {error.schema.get('description', '')}"
        elif error.validator == "type":
            remedy = {"string": "; put it in quotes", "boolean": "; write true or false"}.get(error.validator_value, "")
            remedy = "" if isinstance(error.instance, (dict, list, type(None))) else remedy
            if _would_be(error.instance, error.validator_value):
                remedy = (
                    "; write it without quotes in a config file (Snakemake's --config makes text of values in [] or {})"
                )
            yield f"{prefix}{value} is not of type {error.validator_value}{remedy}"
        else:
            yield f"{prefix}{error.message if len(repr(error.instance)) <= 1000 else value + ' does not fit'}"


#: Texts that are of a type if they stand without quotes in a config file.
_PLAIN = {
    "integer": r"-?(0|[1-9][0-9]*)",
    "number": r"-?(0|[1-9][0-9]*)(\.[0-9]+)?(e-?[0-9]+)?",
    "boolean": "true|false",
}


def _would_be(value: object, wanted: str) -> bool:
    # Whether a text is of the wanted type without its quotes.
    pattern = _PLAIN.get(wanted) if isinstance(wanted, str) else None
    return pattern is not None and isinstance(value, str) and bool(re.fullmatch(pattern, value))


def _listed(words: list) -> str:
    return ", ".join(str(word) for word in words if word != "")


def _near(word: object, words: list) -> str:
    # The known word that a text most likely means, '' if none is near; ChIP-seq is chipseq.
    named = assays.meant(word) if isinstance(word, str) else ""
    return named if named in words else next(iter(difflib.get_close_matches(str(word), map(str, words), 1)), "")


def _unknown(instance: object) -> str:
    # The keys of a mapping by assay that are neither an assay nor a form.
    known = [*assays.ASSAYS, *assays.FORMS]
    keys = [key for key in instance if key not in known] if isinstance(instance, Mapping) else []
    said = (f"{key!r} (did you mean {near!r}?)" if (near := _near(key, known)) else repr(key) for key in keys)
    return f": {', '.join(said)} is neither an assay nor a form" if keys else ""


def fill(instance, rules: dict, root: dict | None = None):
    """Copy a valid config or row, with the defaults of its schema filled in.

    Parameters
    ----------
    instance : dict or other value
        A value that is not a dict is returned as it is.
    rules : dict
        The schema of `instance`.
    root : dict, optional
        The whole schema, in which references are looked up. Default: `rules`.

    Returns
    -------
    dict or other value
        `instance` is not changed.
    """
    root = root or rules
    if "$ref" in rules:
        target = root
        for part in rules["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        rules = {**target, **{k: v for k, v in rules.items() if k != "$ref"}}
    if not isinstance(instance, dict):
        return instance
    filled = dict(instance)
    for part in rules.get("allOf", []):
        if _Validator({**part["if"], "$defs": root.get("$defs", {})}).is_valid(instance):
            filled = fill(filled, part["then"], root)
    for key, rule in rules.get("properties", {}).items():
        rule = {**root["$defs"][rule["$ref"].rsplit("/", 1)[1]], **rule} if "$ref" in rule else rule
        if key not in filled and "default" in rule:
            filled[key] = rule["default"]
        if key in filled:
            filled[key] = fill(filled[key], rule, root)
    extra = rules.get("additionalProperties")
    if isinstance(extra, dict):
        known = rules.get("properties", {})
        filled = {k: v if k in known else fill(v, extra, root) for k, v in filled.items()}
    return filled
