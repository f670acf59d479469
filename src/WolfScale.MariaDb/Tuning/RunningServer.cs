using System.Collections.Immutable;
using MySqlConnector;
using WolfScale.MariaDb.Connections;

namespace WolfScale.MariaDb.Tuning;

/// <summary>The variables of the server that runs.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Variables">By name, in lower case.</param>
public sealed record RunningServer(string Version, ImmutableDictionary<string, string> Variables)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <returns>Null where it does not answer, or refuses the account.</returns>
    public static async Task<RunningServer?> TryLookAsync(DatabaseOptions options, CancellationToken cancellationToken)
    {
        try
        {
            await using var server = await new ServerConnector(options with { ConnectTimeout = Patience }).OpenAsync(cancellationToken);
            var variables = (await server.QueryAsync("SHOW GLOBAL VARIABLES")).ToImmutableDictionary(r => r["Variable_name"].ToLowerInvariant(), r => r["Value"]);
            return new RunningServer(variables.GetValueOrDefault("version", ""), variables);
        }
        catch (MySqlException)
        {
            return null;
        }
    }

    /// <summary>Waits for a server that is being started.</summary>
    /// <returns>Null where it does not answer in time.</returns>
    public static async Task<RunningServer?> AwaitAsync(DatabaseOptions options, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(250), time);
        do
        {
            if (await TryLookAsync(options, cancellationToken) is { } server)
                return server;
        }
        while (time.GetElapsedTime(began) < limit && await timer.WaitForNextTickAsync(cancellationToken));
        return null;
    }
}
