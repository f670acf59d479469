using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using WolfScale.Server.Cli;

namespace WolfScale.Server.Demo;

/// <summary>What a demo cluster is made of, kept in <c>DIR/demo.json</c> so that every verb finds it again.</summary>
public sealed record DemoState
{
    public const string FileName = "demo.json";

    public required string Cluster { get; init; }

    public required string Dir { get; init; }

    public required int BasePort { get; init; }

    /// <summary>The application's account.</summary>
    public required string User { get; init; }

    public required string Password { get; init; }

    public required string Database { get; init; }

    /// <summary>The API's admin token.</summary>
    public required string Token { get; init; }

    public required string Secret { get; init; }

    /// <summary>Of WolfScale's own account on each server.</summary>
    public required string ServerPassword { get; init; }

    /// <summary><c>--set</c>: <c>section.key</c> → TOML literal.</summary>
    public ImmutableDictionary<string, string> Settings { get; init; } = ImmutableDictionary<string, string>.Empty;

    public ImmutableArray<DemoNode> Nodes { get; init; } = [];

    /// <summary>Whether the cluster has once accepted writes. Until then the first node is started with <c>--bootstrap</c>.</summary>
    public bool Founded { get; init; }

    /// <summary>The state of the demo in a folder, or null where there is none.</summary>
    public static DemoState? Read(string dir)
    {
        var file = Path.Combine(dir, FileName);
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllText(file), DemoStateJson.Default.DemoState) : null;
        }
        catch (JsonException e)
        {
            throw new RefusedException($"{file} is not the state of a demo: {e.Message}");
        }
    }

    public void Write() => PrivateFile.Write(Path.Combine(Dir, FileName), JsonSerializer.Serialize(this, DemoStateJson.Default.DemoState));

    public DemoState With(DemoNode node) => this with { Nodes = Nodes.SetItem(Nodes.ToList().FindIndex(n => n.Id == node.Id), node) };

    /// <exception cref="RefusedException">There is no such node.</exception>
    public DemoNode Find(string id) => Nodes.FirstOrDefault(n => n.Id == id)
        ?? throw new RefusedException($"The demo has no node \"{id}\"; it has {string.Join(", ", Nodes.Select(n => n.Id))}.");
}

/// <summary>One node of a demo, from 1.</summary>
/// <param name="Index">The number in its id and its ports.</param>
/// <param name="Node">Its <c>wolfscale</c> process, running or ended.</param>
/// <param name="MariaDb">Its server's process, the same way.</param>
/// <param name="Witness">It has no server.</param>
public sealed record DemoNode(int Index, ProcessIdentity? Node, ProcessIdentity? MariaDb, bool Witness = false)
{
    [JsonIgnore]
    public string Id => $"node-{Index}";

    /// <summary>Ports base + 10·i + 0 … 3; MariaDB's extra port, the way in when it is full, stands 4 above its own.</summary>
    public DemoPorts Ports(int basePort) => new(basePort + (10 * Index));

    public string Folder(string dir) => Path.Combine(dir, Id);
}

/// <summary>The ports of one node.</summary>
public readonly record struct DemoPorts(int First)
{
    public int Cluster => First;

    public int Api => First + 1;

    public int Proxy => First + 2;

    public int MariaDb => First + 3;

    public int MariaDbExtra => First + 7;

    public IEnumerable<int> All => [Cluster, Api, Proxy, MariaDb, MariaDbExtra];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(DemoState))]
internal sealed partial class DemoStateJson : JsonSerializerContext;
