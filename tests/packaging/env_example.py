"""Writes .env.example from the settings: python -m tests.packaging.env_example"""

import inspect
import re
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from server.settings import Settings

PATH = Path(__file__).parents[2] / ".env.example"
HEAD = """\
# Every setting of Escuta with its default. Copy this file to .env and change what you need; an empty value is the
# default. Variables in the environment win over .env. Keep .env to yourself (chmod 600): secrets go in there.
"""


def _value(field: FieldInfo) -> str:
    if field.default is None or isinstance(field.default, SecretStr):
        return ""
    return str(field.default)


def render() -> str:
    """Return the text of .env.example: the settings in their order, under the headings of the class."""
    lines = [HEAD.rstrip()]
    for line in inspect.getsource(Settings).splitlines():
        if heading := re.fullmatch(r"    # (\w.*)", line):
            lines += ["", f"## {heading[1]}"]
        elif (name := re.match(r"    (\w+): ", line)) and name[1] in Settings.model_fields:
            field = Settings.model_fields[name[1]]
            lines += [f"# {field.description}", f"{name[1].upper()}={_value(field)}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(render())
