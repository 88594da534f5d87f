"""Captions of plain words are not sent through pandoc's writers; they must be what these would have made of them."""

import subprocess
from pathlib import Path

import pypandoc
import pytest

from evaluation.report.embedded import convert

SCRIPT = """
package.path = '{folder}/?.lua;' .. package.path
local structure = require 'structure'
local words = {{ 'Rate', '16', '1.', '-' }}
local marks = {{}}
for byte = 33, 126 do marks[#marks + 1] = string.char(byte) end
for _, other in ipairs {{ '\\u{{a0}}', '\\u{{2194}}', '\\u{{2014}}', 'é' }} do marks[#marks + 1] = other end
local function compare(...)
  local inlines = pandoc.Inlines {{}}
  for i, text in ipairs {{ ... }} do
    if i > 1 then inlines:insert(pandoc.Space()) end
    inlines:insert(pandoc.Str(text))
  end
  local options = pandoc.WriterOptions {{ highlight_method = 'none', wrap_text = 'none' }}
  local made = pandoc.write(pandoc.Pandoc {{ pandoc.Plain(inlines) }}, '{format}', options):gsub('%s+$', '')
  local plain = structure.{function}(inlines)
  if plain then
    io.write(plain == made and 'same' or 'DIFFERENT ' .. plain .. ' ' .. made, '\\n')
  end
end
for _, mark in ipairs(marks) do
  for _, word in ipairs(words) do
    compare(mark .. word)
    compare(word .. mark)
    compare(mark, word)
    compare(word, mark, word)
    compare('a' .. mark .. mark .. word)
  end
end
"""


@pytest.mark.parametrize(("format", "function"), [("html", "plain_html"), ("typst-citations-smart", "plain_typst")])
def test_plain_words_are_what_pandoc_writes(format, function):
    script = SCRIPT.format(folder=Path(convert.LUA).parent.as_posix(), format=format, function=function)
    done = subprocess.run(
        [pypandoc.get_pandoc_path(), "lua", "-"], input=script.encode(), capture_output=True, check=True, timeout=300
    )
    said = done.stdout.decode().splitlines()
    assert len(said) > 200
    assert {line for line in said if line != "same"} == set()
