// Continue's adapters, chatting.
import { pathToFileURL } from "node:url";
const [folder, base, model, said] = process.argv.slice(2);
const entry = `${folder}/node_modules/@continuedev/openai-adapters/dist/index.js`;
const { constructLlmApi } = await import(pathToFileURL(entry).href);
const ask = { model, messages: [{ role: "user", content: said }], max_tokens: 12, temperature: 0 };
const signal = new AbortController().signal;

const told = {};
for (const provider of ["openai", "mistral", "vllm", "ollama"]) {
  const api = constructLlmApi({ provider, apiBase: `${base}/v1/`, apiKey: "k" });
  told[provider] = "";
  for await (const chunk of api.chatCompletionStream({ ...ask, stream: true }, signal)) {
    told[provider] += chunk.choices[0]?.delta?.content ?? "";
  }
  const whole = await api.chatCompletionNonStream({ ...ask, stream: false }, signal);
  told[`${provider} whole`] = whole.choices[0].message.content;
}
console.log(JSON.stringify(told));
process.exit(0);
