import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { z } from 'zod';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const resultSchema = z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) }));

/** What axe finds wrong by WCAG 2.2 AA on the page as it is: rule and element. */
export async function violationsOf(page: Page): Promise<string[]> {
  // As a script of the page's own context: its Content-Security-Policy lets no tag in.
  await page.evaluate(axeSource);
  const found: unknown = await page.evaluate(`axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
  }).then(({ violations }) => violations)`);
  return resultSchema.parse(found).flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** By how many pixels the page is wider than its window: nobody should have to scroll sideways. */
export async function overhangOf(page: Page): Promise<number> {
  return z
    .number()
    .parse(
      await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
    );
}
