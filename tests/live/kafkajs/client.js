// kafkajs as the client matrix drives it: an order as JSON on standard input, what came as JSON out.
const { Kafka, CompressionTypes, logLevel } = require("kafkajs");

async function produce(kafka, order) {
  const producer = kafka.producer();
  await producer.connect();
  const compression = order.codec === "gzip" ? CompressionTypes.GZIP : CompressionTypes.None;
  for (const { topic, partition, value } of order.records) {
    await producer.send({ topic, compression, messages: [{ partition, value }] });
  }
  await producer.disconnect();
}

async function read(kafka, order) {
  const consumer = kafka.consumer({ groupId: order.group, heartbeatInterval: 500 });
  const came = [];
  let done;
  const all = new Promise((resolve) => { done = resolve; });
  await consumer.connect();
  for (const topic of order.topics) {
    await consumer.subscribe({ topic, fromBeginning: true });
  }
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, partition, message }) => {
      const isWanted = order.partition === null || order.partition === partition;
      if (came.length >= order.count || !isWanted) return;
      came.push({ topic, partition, value: message.value.toString() });
      const offset = (BigInt(message.offset) + 1n).toString();
      if (order.commits) await consumer.commitOffsets([{ topic, partition, offset }]);
      if (came.length === order.count) done();
    },
  });
  await all;
  await consumer.disconnect();
  return came;
}

async function main() {
  const order = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const kafka = new Kafka({ brokers: [order.bootstrap], logLevel: logLevel.NOTHING });
  const came = order.records ? await produce(kafka, order) : await read(kafka, order);
  console.log(JSON.stringify(came ?? []));
}

main().catch((error) => { console.error(error); process.exit(1); });
