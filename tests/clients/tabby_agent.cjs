// What Tabby's editors do with their agent: complete, then tell that it was shown and taken.
const { createRequire } = require("module");
const [folder, endpoint, token = "k"] = process.argv.slice(2);
const { TabbyAgent } = createRequire(`${folder}/`)("tabby-agent");

async function main() {
  const agent = new TabbyAgent();
  await agent.initialize({ config: { server: { endpoint, token }, anonymousUsageTracking: { disable: true } } });
  const told = { status: agent.getStatus(), health: agent.getServerHealthState(), texts: [] };
  for (let number = 0; number < 10 && told.texts.length < 1; number++) {
    const text = `import os\n\n\ndef join_${number}(first, second):\n    return os.path.\n\n\nprint(join_${number}('a'))\n`;
    const position = text.indexOf("os.path.") + 8;
    const request = { filepath: "a.py", language: "python", text, position, manually: true };
    const answer = await agent.provideCompletions(request);
    for (const choice of answer.choices) told.texts.push(choice.text);
    if (answer.choices.length) {
      const event = { completion_id: answer.id, choice_index: 0, view_id: "v", elapsed: 5 };
      told.viewed = await agent.postEvent({ ...event, type: "view" });
      told.taken = await agent.postEvent({ ...event, type: "select", select_kind: "line" });
    }
  }
  console.log(JSON.stringify(told));
  await agent.finalize();
  process.exit(0);
}

main();
