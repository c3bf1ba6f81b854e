// OpenAI's own client for node: one piece, a stream, a stream that is left early, an error.
import { createRequire } from "node:module";
const [folder, base, model, prompt, suffix] = process.argv.slice(2);
const { OpenAI } = createRequire(`${folder}/`)("openai");
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: "none", maxRetries: 0 });
const ask = { model, prompt, suffix, max_tokens: 12, temperature: 0 };

const told = { models: [] };
for await (const one of client.models.list()) told.models.push(one.id);
const plain = await client.completions.create(ask);
told.plain = plain.choices[0].text;
told.usage = plain.usage.completion_tokens;
told.stream = "";
for await (const piece of await client.completions.create({ ...ask, stream: true })) told.stream += piece.choices[0].text;
const long = await client.completions.create({ ...ask, max_tokens: 1500, stream: true, temperature: 1 });
for await (const piece of long) {
  told.left = piece.choices[0].text;
  long.controller.abort();
  break;
}
told.error = await client.completions.create({ ...ask, model: "none" }).catch((error) => [error.status, error.message]);
console.log(JSON.stringify(told));
