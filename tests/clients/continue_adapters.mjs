// Continue's adapters: fill-in-the-middle as Mistral and DeepSeek take it, plain completions as the others do.
import { pathToFileURL } from "node:url";
const [folder, base, model, prompt, suffix] = process.argv.slice(2);
const entry = `${folder}/node_modules/@continuedev/openai-adapters/dist/index.js`;
const { constructLlmApi } = await import(pathToFileURL(entry).href);
const ask = { model, prompt, suffix, max_tokens: 12, temperature: 0 };

const told = {};
for (const [provider, apiBase] of [["openai", `${base}/v1/`], ["mistral", `${base}/v1/`], ["deepseek", `${base}/`]]) {
  const api = constructLlmApi({ provider, apiBase, apiKey: "k" });
  told[provider] = "";
  for await (const chunk of api.fimStream(ask, new AbortController().signal)) {
    told[provider] += chunk.choices[0].delta.content ?? "";
  }
}
for (const provider of ["vllm", "llama.cpp", "ollama"]) {
  const api = constructLlmApi({ provider, apiBase: `${base}/v1/`, apiKey: "k" });
  told[provider] = "";
  const stream = api.completionStream({ ...ask, stream: true }, new AbortController().signal);
  for await (const chunk of stream) told[provider] += chunk.choices[0].text;
}
const left = new AbortController();
const api = constructLlmApi({ provider: "mistral", apiBase: `${base}/v1/`, apiKey: "k" });
try {
  for await (const chunk of api.fimStream({ ...ask, max_tokens: 1500, temperature: 1 }, left.signal)) {
    told.left = chunk.choices[0].delta.content;
    left.abort();
  }
} catch (error) {
  told.aborted = error.name;
}
console.log(JSON.stringify(told));
process.exit(0);
