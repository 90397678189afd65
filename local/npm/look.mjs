// Opens a file in the browser and does what it is told: look.mjs BROWSER FILE OPTIONS. Prints one JSON: when the page was ready, what it
// asked for, what went wrong in it, what axe finds, and what each step that asks gives.
// OPTIONS: theme, size [width, height], axe, picture (a path), steps: ["press", key, times], ["type", selector, text], ["choose", selector,
// value], ["focus", selector], ["wait", condition], ["ask", expression].
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(process.cwd() + '/')
const { launch } = await import(pathToFileURL(require.resolve('puppeteer-core')).href)
const [executablePath, file, given] = process.argv.slice(2)
const options = JSON.parse(given)
const [width, height] = options.size || [1280, 1000]
const browser = await launch({
  executablePath,
  headless: 'shell',
  args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars', '--no-first-run',
    '--host-resolver-rules=MAP * 127.0.0.1:9']
})
try {
  const page = await browser.newPage()
  const found = { requests: [], errors: [], violations: [], asked: [] }
  page.on('request', (one) => found.requests.push(one.url()))
  page.on('pageerror', (error) => found.errors.push(String(error)))
  page.on('console', (said) => { if (said.type() === 'error') found.errors.push(said.text()) })
  await page.setViewport({ width, height })
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: options.theme || 'light' }])
  await page.goto(pathToFileURL(file).href)
  await page.waitForSelector('html[data-ready]', { timeout: 120000 })
  found.ready = Number(await page.evaluate('document.documentElement.dataset.ready'))
  const does = {
    press: async (key, times = 1) => { for (let n = 0; n < times; n++) await page.keyboard.press(key) },
    type: (selector, text) => page.type(selector, text),
    choose: (selector, value) => page.select(selector, value),
    focus: (selector) => page.focus(selector),
    wait: (condition) => page.waitForFunction(condition, { timeout: 30000 }),
    ask: async (expression) => { found.asked.push(await page.evaluate(expression)) }
  }
  for (const [name, ...rest] of options.steps || []) await does[name](...rest)
  if (options.axe) {
    // In a world of its own: the page's policy lets no script run in it that is not the page's.
    await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'))
    const { violations, incomplete } = await page.evaluate('axe.run()')
    const short = (one) => ({ id: one.id, impact: one.impact, help: one.help, nodes: one.nodes.slice(0, 5).map((node) => node.html.slice(0, 200)) })
    found.violations = violations.map(short)
    found.incomplete = incomplete.map(short)
  }
  if (options.picture) await page.screenshot({ path: options.picture })
  console.log(JSON.stringify(found))
} finally {
  await browser.close()
}
