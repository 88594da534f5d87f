-- Turns a whole book into pages of HTML and one typst text, in one run of pandoc.
--
--   pandoc lua convert.lua < request.json > answer.json
--
-- The request holds the chapters as Markdown whose shortcodes are already expanded. The answer holds,
-- for each target, what was written and the findings that forbid it.

package.path = pandoc.path.directory(arg[0]) .. '/?.lua;' .. package.path
local structure = require 'structure'
local references = require 'references'
local html = require 'html'
local typst = require 'typst'

-- Raw HTML and TeX are switched off: what comes from data can only ever be text.
local READER = 'markdown-raw_html-native_divs-native_spans-raw_tex-raw_attribute-latex_macros'

local function read_bibliography(files)
  local entries = pandoc.List()
  for _, file in ipairs(files) do
    local format = file.name:match('%.json$') and 'csljson' or 'biblatex'
    entries:extend(pandoc.read(file.text, format).meta.references or {})
  end
  return entries
end

-- One citeproc run for the book, so that authors are told apart in the same way on every page. Pages that neither cite nor list
-- what is cited would come back as they are.
local function run_citeproc(book, request, bibliography)
  local pages = book.pages:filter(function(page) return page.cites or page == book.by_refs end)
  local blocks = pandoc.Blocks {}
  for _, page in ipairs(pages) do blocks:insert(pandoc.Div(page.blocks)) end
  local meta = { references = bibliography, lang = request.lang, ['link-citations'] = true, csl = request.csl }
  local doc = pandoc.utils.citeproc(pandoc.Pandoc(blocks, meta))
  for i, page in ipairs(pages) do page.blocks = doc.blocks[i].content end
end

local request = pandoc.json.decode(io.read('a'), false)
local bibliography = read_bibliography(request.bibliography)
local parsed = {}
for i, page in ipairs(request.pages) do parsed[i] = page.known and pandoc.Blocks {} or pandoc.read(page.text, READER).blocks end

local answer = { findings = pandoc.List(), outlines = {}, cites = false }
for _, target in ipairs(request.targets) do
  local book = structure.number(request.pages, parsed, target, answer.findings)
  -- Pages that have not changed are known from an earlier run, and only the others are written.
  book.written = book.pages:filter(function(page) return not page.known end)
  book.partial = #book.written < #book.pages
  references.resolve(book, bibliography)
  for _, page in ipairs(book.written) do answer.cites = answer.cites or page.cites end
  -- What is printed of a work depends on all that are cited, so pages that cite are never written alone.
  if #answer.findings == 0 and not (book.partial and answer.cites) then
    if not book.partial then
      run_citeproc(book, request, bibliography)
      references.index_bibliography(book)
    end
    answer.outlines[target] = book.written:map(function(page)
      return { file = page.source.file, outline = structure.outline(book, page) }
    end)
    answer[target] = (target == 'html' and html or typst).write(book, request)
  end
end
io.write(pandoc.json.encode(answer))
