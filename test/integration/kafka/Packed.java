/* Writes lines to Kafka with Java's own client, packed: bootstrap, then pairs of topic and packing. */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

public class Packed {
  public static void main(String[] args) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    List<String> lines = in.lines().toList();
    for (int at = 1; at < args.length; at += 2) {
      Map<String, Object> settings =
          Map.of(
              "bootstrap.servers", args[0],
              "compression.type", args[at + 1],
              "acks", "all",
              "batch.size", 262144,
              "linger.ms", 500);
      try (var producer =
          new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
        for (String line : lines) producer.send(new ProducerRecord<>(args[at], 0, "key", line));
        producer.flush();
      }
    }
  }
}
