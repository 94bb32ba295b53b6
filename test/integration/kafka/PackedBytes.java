/* Writes records of bytes to Kafka with Java's own client, packed: bootstrap, packing; lines of topic and base64. */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class PackedBytes {
  public static void main(String[] args) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    List<String> lines = in.lines().toList();
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers", args[0],
            "compression.type", args[1],
            "acks", "all",
            "batch.size", 262144,
            "linger.ms", 200);
    try (var producer =
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (String line : lines) {
        String[] parts = line.split(" ", 2);
        byte[] value = Base64.getDecoder().decode(parts[1]);
        // No key: so does the Collector's exporter.
        producer.send(new ProducerRecord<byte[], byte[]>(parts[0], 0, null, value));
      }
      producer.flush();
    }
  }
}
