using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;
using WolfScale.Server.Cli;

namespace WolfScale.Server.Demo;

/// <summary>How a demo looks to a person.</summary>
internal static class DemoView
{
    public static IRenderable Table(DemoDocument demo)
    {
        var table = Terminal.Table("NODE", "ROLE", "STATUS", "LSN", "APPLIED", "API", "PROXY", "MARIADB", "PIDS");
        foreach (var node in demo.Nodes)
        {
            _ = table.AddRow(
                node.Id,
                Terminal.Coloured(node.Role),
                Terminal.Coloured(node.Status),
                Terminal.Cell(node.Lsn ?? (object)"-"),
                Terminal.Cell(node.AppliedLsn ?? (object)"-"),
                Terminal.Cell(node.Api),
                Number(node.Proxy?.Port),
                Number(node.MariaDb?.Port),
                $"{Number(node.Pid)} / {Number(node.MariaDb?.Pid)}");
        }

        return table;
    }

    /// <summary>How the program was called, where that is not by its name: <c>run.sh</c> says so.</summary>
    private const string CommandVariable = "WOLFSCALE_COMMAND";

    /// <summary>What to try next, with commands that work when pasted.</summary>
    public static IEnumerable<string> Hints(DemoDocument demo)
    {
        var leader = demo.Nodes.FirstOrDefault(n => n is { Role: "LEADER", MariaDb: not null }) ?? demo.Nodes.First(n => n.MariaDb is not null);
        var command = Environment.GetEnvironmentVariable(CommandVariable) is { Length: > 0 } named ? named : "wolfscale";
        var anyNode = demo.Nodes.FirstOrDefault(n => n.Proxy is not null && n.Id != leader.Id);
        yield return anyNode is { Proxy: { } proxy }
            ? $"Use it, on any node:  mariadb -h127.0.0.1 -P{proxy.Port} -u{demo.User} -p{demo.Password} {demo.Database}"
            : $"Write on the leader:  mariadb -h127.0.0.1 -P{leader.MariaDb!.Port} -u{demo.User} -p{demo.Password} {demo.Database}";
        yield return $"Dashboard:            {leader.Api}/";
        yield return $"Status of a node:     curl -s {leader.Api}/cluster";
        yield return $"Kill the leader:      {command} demo kill {leader.Id} --what both --dir {demo.Dir}";
        yield return $"Bring it back:        {command} demo start {leader.Id} --dir {demo.Dir}";
    }

    /// <summary>Shows the table, anew every second, until cancelled.</summary>
    public static async Task RunAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            await Terminal.Out.Live(new Text("")).StartAsync(async context =>
            {
                while (true)
                {
                    // Read again each time: another terminal may kill, start or add nodes.
                    var state = DemoState.Read(cluster.State.Dir) ?? cluster.State;
                    var facts = await DemoFacts.ReadAsync(state, cancellationToken);
                    var hints = string.Join('\n', Hints(facts)).EscapeMarkup();
                    context.UpdateTarget(new Rows(Table(facts), new Markup($"{hints}\n[grey]Ctrl+C takes everything down; the data stays in {state.Dir.EscapeMarkup()}.[/]")));
                    _ = await second.WaitForNextTickAsync(cancellationToken);
                }
            });
        }
        catch (OperationCanceledException)
        {
            // Ctrl+C: the caller takes the cluster down.
        }
    }

    private static string Number(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "-";
}
