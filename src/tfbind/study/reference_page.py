"""Write the page `docs/config.md` from the schemas."""

from tfbind.study import schema


def describe() -> str:
    """Describe every key of the config and every column of the sheets in Markdown: type, default and meaning."""
    lines = [
        "# Config and sheet",
        "",
        "Made by `make docs` from `workflow/schemas`; do not edit.",
        "",
        "## config.yaml",
        "",
    ]
    lines += _describe(schema.schema("config"), schema.schema("config"), "")
    for name, rules in schema.schema("config")["$defs"].items():
        if "kind" in rules.get("properties", {}) or name == "trained_as":
            lines += ["", f"### models: `{name}`", "", rules.get("description", ""), ""]
            lines += _describe(rules, schema.schema("config"), "")
    for name in ("datasets", "cells"):
        lines += ["", f"## {name}.tsv", ""] + ([schema.schema(name)["description"], ""] if name == "cells" else [])
        lines += ["| column | required | values | meaning |", "| --- | --- | --- | --- |"]
        rules = schema.schema(name)
        for column, rule in rules["properties"].items():
            full = {**rules["$defs"].get(rule.get("$ref", "").rsplit("/", 1)[-1], {}), **rule}
            values = ", ".join(f"`{v}`" for v in full.get("enum", []) if v) or (
                f"`{full['pattern']}`" if "pattern" in full else "text"
            )
            need = "yes" if column in rules["required"] else ""
            lines.append(f"| `{column}` | {need} | {values.replace('|', '/')} | {full['description']} |")
    return "\n".join(lines) + "\n"


def _describe(rules: dict, root: dict, prefix: str) -> list[str]:
    lines = []
    for key, rule in rules.get("properties", {}).items():
        if key == "kind" and "const" in rule:
            continue
        rule = {**root["$defs"][rule["$ref"].rsplit("/", 1)[1]], **rule} if "$ref" in rule else rule
        values = rule.get("type", "one of " + ", ".join(map(str, rule["enum"])) if "enum" in rule else "see below")
        if isinstance(rule.get("default"), (int, float, str, list)):
            values += f", default `{rule['default']!r}`"
        lines.append(f"- `{prefix}{key}` ({values}): {rule.get('description', '')}")
        lines += _describe(rule, root, f"{prefix}{key}.")
        extra = rule.get("additionalProperties")
        if isinstance(extra, dict) and key != "models":
            lines += _describe(extra, root, f"{prefix}{key}.<name>.")
    return lines
