using WolfScale.MariaDb.Local;

namespace WolfScale.Bench.Setups;

/// <summary>(a) One MariaDB without replication: what the disk and the server can do when nothing has to be waited for.</summary>
internal sealed class SingleServer(string directory, string template, int basePort) : ISetup
{
    private readonly PrivateServer _server = new(directory, basePort, 1);

    public char Key => 'a';

    public string Name => "one MariaDB, unreplicated";

    public IReadOnlyList<Part> Parts => [new("primary", _server.ProcessId)];

    public async Task<Target> StartAsync(CancellationToken cancellationToken)
    {
        await Servers.CreateAsync(_server, template, Servers.Ungated, cancellationToken);
        await _server.StartAsync(cancellationToken: cancellationToken);
        await Servers.PrepareAsync(_server, cancellationToken);
        return Servers.TargetOf(_server);
    }

    public Task DrainAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
