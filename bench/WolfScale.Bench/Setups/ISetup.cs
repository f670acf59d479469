namespace WolfScale.Bench.Setups;

/// <summary>Where the load goes: one MariaDB, reached over TCP as an application would.</summary>
internal sealed record Target(string Host, int Port, string User, string Password, string Database);

/// <summary>A process whose processor time is charged to a part of the set-up.</summary>
/// <param name="Part">What it is: <c>primary</c>, <c>replicas</c>, <c>nodes</c>.</param>
internal sealed record Part(string Name, int ProcessId);

/// <summary>
/// One of the things compared. It exists from <see cref="StartAsync"/> to disposal, and nothing of it runs before or after,
/// so that set-ups never share the machine.
/// </summary>
internal interface ISetup : IAsyncDisposable
{
    /// <summary>The letter that the table and <c>--only</c> use.</summary>
    char Key { get; }

    string Name { get; }

    /// <summary>Starts it on fresh data, and returns when it accepts writes.</summary>
    Task<Target> StartAsync(CancellationToken cancellationToken);

    /// <summary>Its processes, for the accounting of processor time.</summary>
    IReadOnlyList<Part> Parts { get; }

    /// <summary>Returns when every replica has applied all that was acknowledged, so that one measurement leaves no work to the next.</summary>
    Task DrainAsync(CancellationToken cancellationToken);
}
