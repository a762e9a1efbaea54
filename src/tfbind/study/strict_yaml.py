"""Read YAML strictly: keys as written, no key twice, values that both versions of YAML read alike, bounded size."""

import math
import re
from pathlib import Path

import yaml

from tfbind.errors import InputError
from tfbind.study import read_sheets


class Loader(yaml.SafeLoader):
    """Safe YAML: a key is text as written (`1`, `no`) and occurs once; numbers are finite.

    PyYAML reads YAML 1.1, where `no` is false, `010` is 8, `1:30` is 90, `1e-3` is text and `2026-01-31` a date. Here
    plain values are read by the core schema of YAML 1.2, without octal and hexadecimal numbers and leading zeros, since
    `010` is 8 in the one version and 10 in the other. All that is not true, false, null or a decimal number is text.
    """

    yaml_implicit_resolvers = {}

    def construct_mapping(self, node, deep=False):
        """Make a dict from a node, its keys as text.

        Parameters
        ----------
        node : yaml node
        deep : bool
            Whether its values are made at once.

        Returns
        -------
        dict

        Raises
        ------
        ConstructorError
            A key occurs twice.
        """
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                key.tag = "tag:yaml.org,2002:str"
                if key.value in seen:
                    self._refuse(f"the key {key.value!r} is written twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node, deep=False):
        """Make a value from a node.

        Parameters
        ----------
        node : yaml node
        deep : bool
            Whether its parts are made at once.

        Returns
        -------
        value

        Raises
        ------
        ConstructorError
            The value cannot be read (a number of thousands of digits), or is a number that is not finite.
        """
        try:
            value = super().construct_object(node, deep)
        except ValueError as error:  # a number of thousands of digits, `!!timestamp 2026-99-99`
            self._refuse(f"{node.value[:40]!r} cannot be read: {error}", node.start_mark)
        if isinstance(value, float) and not math.isfinite(value):
            self._refuse(f"{node.value[:40]} is not a finite number", node.start_mark)
        return value

    def compose_node(self, parent, index):
        """Make a node from the next events, without aliases: with them a small file could hold billions of values.

        Parameters
        ----------
        parent : yaml node
        index : yaml node or int
            Place of the node in its parent.

        Returns
        -------
        yaml node

        Raises
        ------
        ConstructorError
            The node is an alias.
        """
        if self.check_event(yaml.events.AliasEvent):
            self._refuse("aliases (*name) are not accepted; write the value out", self.peek_event().start_mark)
        return super().compose_node(parent, index)

    @staticmethod
    def _refuse(what: str, mark: yaml.Mark):
        raise yaml.constructor.ConstructorError(None, None, what, mark)


_DIGITS = r"(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+"
for _tag, _form in {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?(0|[1-9][0-9]*)",
    "float": rf"[-+]?({_DIGITS}|\.(inf|Inf|INF))|\.(nan|NaN|NAN)",
}.items():
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"({_form})\Z"), None)


def read_yaml(path: Path) -> dict:
    """Read a config, as a dict of its keys and values.

    Raises
    ------
    InputError
        The file cannot be read, is too long or not UTF-8, is not valid YAML or holds no keys; with line and column.
    """
    try:
        content = yaml.load(read_sheets.sheet_text(path, read_sheets.LARGEST, "name a config"), Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise InputError(f"{path.name}{where}: {getattr(error, 'problem', None) or error}") from None
    except RecursionError:
        raise InputError(f"{path.name}: nested too deeply for a config; is a bracket left open?") from None
    if not isinstance(content, dict):
        raise InputError(f"{path.name}: expected keys and values, found {type(content).__name__}")
    return content
