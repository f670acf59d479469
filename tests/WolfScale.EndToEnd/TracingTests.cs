using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using WolfScale.EndToEnd.Cli;
using WolfScale.EndToEnd.Demo;
using WolfScale.EndToEnd.Harness;

namespace WolfScale.EndToEnd;

/// <summary>Writes of a real node, as a collector gets them over OTLP.</summary>
public sealed class TracingTests
{
    [Fact]
    public async Task The_spans_of_a_write_add_up_to_its_latency()
    {
        using var folder = new TempFolder("tracing");
        await using var collector = new Collector(Ports.FreeRange(1));
        var variables = new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Endpoint, ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf", ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
        };
        var demo = Path.Combine(folder.Path, "demo");
        var port = Ports.FreeRange(50);
        var started = await CommandLine.RunAsync(variables, "demo", "--nodes", "3", "--dir", demo, "--base-port", port.ToString(CultureInfo.InvariantCulture), "--detach", "--json");
        Assert.True(started.ExitCode == 0, started.Errors);
        try
        {
            var facts = DemoFacts.Parse(started.Output);
            var leader = facts.Nodes.Single(n => n.Role == "LEADER");
            var proxy = new SqlServer("proxy", "127.0.0.1", leader.Proxy.Port, "");
            await using (var client = await proxy.ClientAsync(facts.User, facts.Password, "demo"))
            {
                await client.RunAsync("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)");
                for (var i = 0; i < 20; i++)
                    await client.RunAsync("INSERT INTO t (v) VALUES (1)");
            }

            List<List<Span>> traces = [];
            await Poll.UntilAsync("the traces of 21 writes", TimeSpan.FromSeconds(30), () => Task.FromResult((traces = collector.Traces()).Count >= 21 ? null : $"{traces.Count}"));
            Assert.All(traces, spans =>
            {
                var root = Assert.Single(spans, s => s.Parent.Length == 0);
                Assert.Equal("wolfscale.write", root.Name);
                var stages = spans.Where(s => s.Parent == root.Id).ToList();
                Assert.Contains("gate", stages.Select(s => s.Name));
                Assert.InRange(stages.Sum(s => s.Nanoseconds) / (double)root.Nanoseconds, 0.9, 1.1);
            });
            Assert.Contains(traces, spans => spans.Select(s => s.Name).ToHashSet().IsSupersetOf(["route", "execute", "capture", "quorum", "commit", "gate"]));
        }
        finally
        {
            _ = await CommandLine.RunAsync("demo", "stop", "--dir", demo);
        }
    }

    private sealed record Span(string Trace, string Id, string Parent, string Name, long Nanoseconds);

    /// <summary>Takes what an OTLP exporter posts, and reads as much of it as is needed here (opentelemetry/proto/trace/v1/trace.proto).</summary>
    private sealed class Collector : IAsyncDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly ConcurrentQueue<Span> _spans = new();
        private readonly Task _taking;

        public Collector(int port)
        {
            Endpoint = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
            _listener.Prefixes.Add(Endpoint + "/");
            _listener.Start();
            _taking = TakeAsync();
        }

        public string Endpoint { get; }

        /// <summary>Those whose root has come.</summary>
        public List<List<Span>> Traces() => [.. _spans.GroupBy(s => s.Trace).Where(t => t.Any(s => s.Parent.Length == 0)).Select(t => t.ToList())];

        public async ValueTask DisposeAsync()
        {
            _listener.Close();
            await _taking;
        }

        private async Task TakeAsync()
        {
            try
            {
                while (true)
                {
                    var context = await _listener.GetContextAsync();
                    using var body = new MemoryStream();
                    await context.Request.InputStream.CopyToAsync(body);
                    Assert.Equal("/v1/traces", context.Request.Url!.AbsolutePath);
                    foreach (var resource in Fields(body.ToArray(), 1))
                    {
                        foreach (var span in Fields(resource, 2).SelectMany(scope => Fields(scope, 2)))
                            _spans.Enqueue(Read(span));
                    }

                    context.Response.Close();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // It was closed.
            }
        }

        private static Span Read(byte[] span)
        {
            string Hex(int number) => Convert.ToHexStringLower(Fields(span, number).FirstOrDefault() ?? []);
            long Time(int number) => BinaryPrimitives.ReadInt64LittleEndian(Fields(span, number).Single());
            return new Span(Hex(1), Hex(2), Hex(4), Encoding.UTF8.GetString(Fields(span, 5).Single()), Time(8) - Time(7));
        }

        /// <summary>The values of a field with this number: lengths and fixed 64 bits as they stand, no others.</summary>
        private static List<byte[]> Fields(byte[] message, int number)
        {
            var found = new List<byte[]>();
            for (var i = 0; i < message.Length;)
            {
                var tag = Number(message, ref i);
                var length = (tag & 7) switch { 0 => -1, 1 => 8, 2 => (int)Number(message, ref i), 5 => 4, _ => throw new InvalidDataException($"tag {tag}") };
                if (length < 0)
                {
                    _ = Number(message, ref i);
                    continue;
                }

                if ((int)(tag >> 3) == number)
                    found.Add(message[i..(i + length)]);
                i += length;
            }

            return found;
        }

        private static ulong Number(byte[] message, ref int i)
        {
            var value = 0UL;
            for (var shift = 0; ; shift += 7)
            {
                var next = message[i++];
                value |= (ulong)(next & 0x7F) << shift;
                if (next < 0x80)
                    return value;
            }
        }
    }
}
