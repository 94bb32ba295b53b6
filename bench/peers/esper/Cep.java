// SPDX-License-Identifier: GPL-2.0-only
// The three patterns in Esper. This directory alone is GPL-2.0, see README.md; the product never needs it.

import com.espertech.esper.common.client.EventBean;
import com.espertech.esper.common.client.EventSender;
import com.espertech.esper.common.client.configuration.Configuration;
import com.espertech.esper.compiler.client.CompilerArguments;
import com.espertech.esper.compiler.client.EPCompilerProvider;
import com.espertech.esper.runtime.client.EPDeployment;
import com.espertech.esper.runtime.client.EPEventService;
import com.espertech.esper.runtime.client.EPRuntime;
import com.espertech.esper.runtime.client.EPRuntimeProvider;
import com.espertech.esper.runtime.client.EPStatement;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Arguments: `array` or `pojo` (how events are given to Esper), a file for all alerts or `-`, then segments. */
public final class Cep {
  private static final long WINDOW_MS = 60_000;

  /** Events that are decoded before they are evaluated. The clock of the CPU has steps of 10 ms: not few. */
  private static final int BATCH = 200_000;

  private static final String CONTEXT =
      "@public create context ByAgent partition by agent from Intent, agent from Gateway;\n";

  private static final String PATTERNS =
      "@name('a') context ByAgent select agent, ts, off, count(*) as held"
          + " from Gateway(decision = 'deny')#ext_timed(ts, 60 sec) having count(*) >= 3;\n"
          + "@name('b') context ByAgent select g.agent as agent, g.off as off, i.off as intent"
          + " from pattern [every i=Intent -> (g=Gateway(session = i.session, tool != i.action)"
          + " where timer:within(30 sec))];\n"
          + "@name('c') context ByAgent select agent, off from Gateway#length(64)"
          + " having latency > avg(latency) + 4 * stddev(latency);\n";

  private static final String ARRAYS =
      "@public @buseventtype create objectarray schema Intent(agent string, ts long, off long, session string,"
          + " action string);\n"
          + "@public @buseventtype create objectarray schema Gateway(agent string, ts long, off long,"
          + " session string, tool string, decision string, latency long);\n";

  /** A decoded line: what the patterns ask for, and nothing else. */
  private static final class Decoded {
    final long ts;
    final boolean isGateway;
    /** The event as Esper takes it; null where no pattern wants it. */
    final Object event;

    Decoded(long ts, boolean isGateway, Object event) {
      this.ts = ts;
      this.isGateway = isGateway;
      this.event = event;
    }
  }

  public static final class Intent {
    private final String agent, session, action;
    private final long ts, off;

    Intent(String agent, long ts, long off, String session, String action) {
      this.agent = agent;
      this.ts = ts;
      this.off = off;
      this.session = session;
      this.action = action;
    }

    public String getAgent() { return agent; }
    public long getTs() { return ts; }
    public long getOff() { return off; }
    public String getSession() { return session; }
    public String getAction() { return action; }
  }

  public static final class Gateway {
    private final String agent, session, tool, decision;
    private final long ts, off, latency;

    Gateway(String agent, long ts, long off, String session, String tool, String decision, long latency) {
      this.agent = agent;
      this.ts = ts;
      this.off = off;
      this.session = session;
      this.tool = tool;
      this.decision = decision;
      this.latency = latency;
    }

    public String getAgent() { return agent; }
    public long getTs() { return ts; }
    public long getOff() { return off; }
    public String getSession() { return session; }
    public String getTool() { return tool; }
    public String getDecision() { return decision; }
    public long getLatency() { return latency; }
  }

  /** What was found in a segment. */
  private static final class Alerts {
    final List<String> agents = new ArrayList<>();
    final StringBuilder patterns = new StringBuilder();
    long[] offsets = new long[1024];
    int count;

    void add(char pattern, String agent, long trigger, long intent) {
      patterns.append(pattern);
      agents.add(agent);
      if (offsets.length < 2 * count + 2) offsets = java.util.Arrays.copyOf(offsets, 2 * offsets.length);
      offsets[2 * count] = trigger;
      offsets[2 * count + 1] = intent;
      count += 1;
    }

    String sum() {
      int high = 0, low = 0;
      for (int at = 0; at < count; at += 1) {
        int[] parts = {
          patterns.charAt(at), number(at), (int) offsets[2 * at], (int) (offsets[2 * at + 1] + 1)
        };
        high += lane(0x9e3779b9, parts);
        low += lane(0x243f6a88, parts);
      }
      return String.format("%08x%08x", high, low);
    }

    void write(PrintWriter out) {
      for (int at = 0; at < count; at += 1)
        out.print(patterns.charAt(at) + " " + number(at) + " " + offsets[2 * at] + " " + offsets[2 * at + 1] + "\n");
    }

    private int number(int at) {
      return Integer.parseInt(agents.get(at).substring("agent-".length()));
    }

    private static int lane(int seed, int[] parts) {
      int mixed = seed;
      for (int part : parts) {
        mixed = (mixed ^ part) * 0x85ebca6b;
        mixed ^= mixed >>> 15;
        mixed *= 0xc2b2ae35;
        mixed ^= mixed >>> 13;
      }
      return mixed;
    }
  }

  private final boolean isArray;
  private final EPEventService service;
  private final EventSender intents, gateways;
  private final JsonFactory json = new JsonFactory();
  private final Map<String, Long> alertedMs = new HashMap<>();
  private Alerts alerts = new Alerts();
  private long nowMs;

  private Cep(boolean isArray) throws Exception {
    this.isArray = isArray;
    Configuration configuration = new Configuration();
    configuration.getRuntime().getThreading().setInternalTimerEnabled(false);
    if (!isArray) {
      configuration.getCommon().addEventType(Intent.class);
      configuration.getCommon().addEventType(Gateway.class);
    }
    EPRuntime runtime = EPRuntimeProvider.getDefaultRuntime(configuration);
    service = runtime.getEventService();
    String text = (isArray ? ARRAYS : "") + CONTEXT + PATTERNS;
    var compiled = EPCompilerProvider.getCompiler().compile(text, new CompilerArguments(configuration));
    EPDeployment deployment = runtime.getDeploymentService().deploy(compiled);
    for (EPStatement statement : deployment.getStatements()) listen(statement);
    intents = service.getEventSender("Intent");
    gateways = service.getEventSender("Gateway");
  }

  private void listen(EPStatement statement) {
    switch (statement.getName()) {
      case "a" -> statement.addListener((found, gone, from, by) -> { for (EventBean one : found) denied(one); });
      case "b" -> statement.addListener((found, gone, from, by) -> {
        for (EventBean one : found)
          alerts.add('b', (String) one.get("agent"), (long) one.get("off"), (long) one.get("intent"));
      });
      case "c" -> statement.addListener((found, gone, from, by) -> {
        for (EventBean one : found) alerts.add('c', (String) one.get("agent"), (long) one.get("off"), -1);
      });
      default -> { }
    }
  }

  /** One alert an episode, which ends where the window holds fewer, or after the window's length. */
  private void denied(EventBean one) {
    String agent = (String) one.get("agent");
    long ts = (long) one.get("ts");
    if ((long) one.get("held") > 3 && ts < alertedMs.getOrDefault(agent, Long.MIN_VALUE / 2) + WINDOW_MS) return;
    alertedMs.put(agent, ts);
    alerts.add('a', agent, (long) one.get("off"), -1);
  }

  private Decoded decode(byte[] bytes, int from, int length, long off) throws IOException {
    String agent = null, session = null, kind = null, tool = null, decision = null, action = null;
    long ts = 0, latency = 0;
    try (JsonParser parser = json.createParser(bytes, from, length)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        JsonToken value = parser.nextToken();
        switch (name) {
          case "ts" -> ts = parser.getLongValue();
          case "agent" -> agent = parser.getText();
          case "session" -> session = parser.getText();
          case "kind" -> kind = parser.getText();
          case "tool" -> tool = parser.getText();
          case "decision" -> decision = parser.getText();
          case "latency_us" -> latency = parser.getLongValue();
          case "intents" -> {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
              String inner = parser.currentName();
              parser.nextToken();
              if (inner.equals("action")) action = parser.getText();
            }
            parser.nextToken();
          }
          default -> { if (value.isStructStart()) parser.skipChildren(); }
        }
      }
    }
    if ("reasoning".equals(kind))
      return new Decoded(ts, false, isArray
          ? new Object[] {agent, ts, off, session, action}
          : new Intent(agent, ts, off, session, action));
    if ("gateway".equals(kind))
      return new Decoded(ts, true, isArray
          ? new Object[] {agent, ts, off, session, tool, decision, latency}
          : new Gateway(agent, ts, off, session, tool, decision, latency));
    return new Decoded(ts, false, null);
  }

  private void see(Decoded one) {
    if (one.ts != nowMs) {
      service.advanceTime(one.ts);
      nowMs = one.ts;
    }
    if (one.event != null) (one.isGateway ? gateways : intents).sendEvent(one.event);
  }

  private static int[] endsOf(byte[] bytes) {
    int lines = 0;
    for (byte one : bytes) if (one == '\n') lines += 1;
    int[] ends = new int[lines];
    for (int at = 0, line = 0; at < bytes.length; at += 1) if (bytes[at] == '\n') ends[line++] = at;
    return ends;
  }

  private String segment(byte[] bytes, long offset, PrintWriter out) throws IOException {
    OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    alerts = new Alerts();
    int[] ends = endsOf(bytes);
    long decodeCpu = 0, decodeWall = 0, evaluateCpu = 0, evaluateWall = 0;
    for (int from = 0; from < ends.length; from += BATCH) {
      int upto = Math.min(from + BATCH, ends.length);
      Decoded[] decoded = new Decoded[upto - from];
      long cpu = system.getProcessCpuTime(), wall = System.nanoTime();
      for (int at = from; at < upto; at += 1) {
        int start = at == 0 ? 0 : ends[at - 1] + 1;
        decoded[at - from] = decode(bytes, start, ends[at] - start, offset + at);
      }
      long decodedCpu = system.getProcessCpuTime(), decodedWall = System.nanoTime();
      for (Decoded one : decoded) see(one);
      evaluateCpu += system.getProcessCpuTime() - decodedCpu;
      evaluateWall += System.nanoTime() - decodedWall;
      decodeCpu += decodedCpu - cpu;
      decodeWall += decodedWall - wall;
    }
    if (out != null) alerts.write(out);
    return "{\"events\":" + ends.length
        + ",\"decode\":{\"cpuNs\":" + decodeCpu + ",\"wallNs\":" + decodeWall + "}"
        + ",\"evaluate\":{\"cpuNs\":" + evaluateCpu + ",\"wallNs\":" + evaluateWall + "}"
        + ",\"state\":{\"cpuNs\":0,\"wallNs\":0}"
        + ",\"alerts\":" + alerts.count + ",\"sum\":\"" + alerts.sum() + "\"}";
  }

  public static void main(String[] arguments) throws Exception {
    Cep cep = new Cep(arguments[0].equals("array"));
    PrintWriter out = arguments[1].equals("-")
        ? null
        : new PrintWriter(Files.newBufferedWriter(Path.of(arguments[1]), StandardCharsets.US_ASCII));
    List<String> segments = new ArrayList<>();
    long offset = 0;
    for (int at = 2; at < arguments.length; at += 1) {
      byte[] bytes = Files.readAllBytes(Path.of(arguments[at]));
      segments.add(cep.segment(bytes, offset, out));
      for (byte one : bytes) if (one == '\n') offset += 1;
    }
    if (out != null) out.close();
    String on = "Java " + System.getProperty("java.version") + ", Esper 9.0.0, Jackson 2.19.2";
    System.out.println("{\"segments\":[" + String.join(",", segments) + "],\"on\":\"" + on + "\"}");
    System.exit(0);
  }
}
