// OpenAI's own client for node, chatting.
import { createRequire } from "node:module";
const [folder, base, model, said] = process.argv.slice(2);
const { OpenAI } = createRequire(`${folder}/`)("openai");
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: "none", maxRetries: 0 });
const ask = { model, messages: [{ role: "user", content: said }], max_tokens: 12, temperature: 0 };

const told = { stream: "" };
told.plain = (await client.chat.completions.create(ask)).choices[0].message.content;
for await (const piece of await client.chat.completions.create({ ...ask, stream: true })) {
  told.stream += piece.choices[0].delta.content;
}
const refused = client.chat.completions.create({ ...ask, model: "starter" });
told.error = await refused.catch((error) => [error.status, error.message]);
console.log(JSON.stringify(told));
