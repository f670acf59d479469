using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster;
using WolfScale.Settings.Rules;

namespace WolfScale.Server.Hosting.Reloading;

/// <summary>
/// SIGHUP and <c>POST /admin/reload</c>: 1 the file is read and checked as at a start, variables over it; 2 what it changes; 3 the parts prepare, which may fail; 4 all take it over. Where one of
/// the first three fails, nothing is changed.
/// </summary>
/// <param name="start">What the node was started with.</param>
/// <param name="read">Reads the file; null: this node was not started from one.</param>
/// <param name="parts">Who takes it over.</param>
/// <param name="logger">Where it is told.</param>
internal sealed class Reloader(NodeConfiguration start, Func<LoadedConfiguration>? read, ILiveParts parts, ILogger logger)
{
    private readonly Lock _reloading = new();

    /// <summary>The configuration in force.</summary>
    public NodeConfiguration Running { get; private set; } = start;

    /// <summary>Reads the file again.</summary>
    /// <exception cref="RefusedException">Nothing was changed; the message says why, with line and column.</exception>
    public ReloadDocument Reload()
    {
        lock (_reloading)
        {
            try
            {
                var loaded = read?.Invoke() ?? throw new RefusedException("This node was not started from a configuration file.");   // 1
                var changes = ConfigurationChanges.Between(Running, loaded.Configuration);              // 2
                RefuseHalves(changes, loaded);
                var takeOver = parts.Prepare(changes.Running);                                          // 3
                takeOver();                                                                             // 4
                Running = changes.Running;
                Tell(changes);
                return new ReloadDocument(Running.Node.Id, changes.Changed, changes.NeedRestart, [.. loaded.Findings.Where(f => f.Severity == Severity.Warning).Select(f => f.ToString())]);
            }
            catch (Exception e) when (e is RefusedException or ClusterStartException or CryptographicException or IOException or UnauthorizedAccessException)
            {
                HostLog.NotReloaded(logger, e.Message);
                throw new RefusedException($"Nothing was changed. {e.Message}");
            }
        }
    }

    /// <summary>The file may be right as a whole, and what of it can be taken over now may not be: a token that is taken away together with the address that needs one.</summary>
    private static void RefuseHalves(ConfigurationChanges changes, LoadedConfiguration loaded)
    {
        var errors = ConfigurationRules.Check(new RuleContext(changes.Running, loaded.Positions, loaded.Positions.Values.FirstOrDefault().Source ?? "")).Where(f => f.Severity == Severity.Error).ToList();
        if (errors.Count > 0)
        {
            throw new RefusedException(
                $"The file is right, and wants a restart: {string.Join(", ", changes.NeedRestart.Select(k => k.Key))} cannot be changed while the node runs, and without that\n" + string.Join('\n', errors));
        }
    }

    private void Tell(ConfigurationChanges changes)
    {
        foreach (var key in changes.Changed)
            HostLog.KeyChanged(logger, key.Key, key.From ?? "(not shown)", key.To ?? "(not shown)");
        foreach (var key in changes.NeedRestart)
            HostLog.KeyNeedsRestart(logger, key.Key);
        HostLog.Reloaded(logger, changes.Changed.Length, changes.NeedRestart.Length);
    }
}
