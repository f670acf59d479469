using WolfScale.MariaDb.Log;

namespace WolfScale.MariaDb;

/// <summary>What the cluster wants of this node: to lead a term, or to follow. Replaced as a whole; the old one's token ends.</summary>
internal sealed class DesiredRole(ILeaderLog? lease) : IDisposable
{
    private readonly CancellationTokenSource _ended = new();

    /// <summary>The term to lead; null to follow.</summary>
    public ILeaderLog? Lease { get; } = lease;

    public CancellationToken Token => _ended.Token;

    public void End() => _ended.Cancel();

    public void Dispose() => _ended.Dispose();
}
