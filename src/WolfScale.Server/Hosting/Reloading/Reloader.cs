using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using WolfScale.Cluster;
using WolfScale.Settings.Rules;

namespace WolfScale.Server.Hosting.Reloading;

/// <summary>
/// SIGHUP and <c>POST /admin/reload</c>, of a node and of a proxy that stands alone: 1 the log's file is opened anew, whatever comes of the rest; 2 the configuration is read and checked as at a start,
/// variables over it; 3 what it changes; 4 the parts prepare, which may fail; 5 all take it over. Where one of 2 to 4 fails, nothing is changed.
/// </summary>
/// <param name="name">Who answers: the node's id, or the program's name.</param>
/// <param name="start">What it was started with.</param>
/// <param name="read">Reads the file; null: it was not started from one.</param>
/// <param name="parts">Who takes it over.</param>
/// <param name="logger">Where it is told.</param>
internal sealed class Reloader(string name, NodeConfiguration start, Func<LoadedConfiguration>? read, ILiveParts parts, ILogger logger)
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
            var log = parts.ReopenLog();                                                                // 1
            if (log is not null)
                HostLog.LogNotReopened(logger, log);
            try
            {
                var loaded = read?.Invoke() ?? throw new RefusedException($"{name} was not started from a configuration file.");   // 2
                var changes = ConfigurationChanges.Between(Running, loaded.Configuration, parts);       // 3
                RefuseHalves(changes, loaded);
                var takeOver = parts.Prepare(changes.Running);                                          // 4
                takeOver();                                                                             // 5
                Running = changes.Running;
                Tell(changes);
                var warnings = loaded.Findings.Where(f => f.Severity == Severity.Warning && (f.Key.Length == 0 || parts.Uses(f.Key))).Select(f => f.ToString());
                return new ReloadDocument(name, changes.Changed, changes.NeedRestart, [.. log is null ? [] : (string[])[log], .. warnings]);
            }
            catch (Exception e) when (e is RefusedException or ClusterStartException or CryptographicException or IOException or UnauthorizedAccessException)
            {
                HostLog.NotReloaded(logger, e.Message);
                throw new RefusedException($"Nothing was changed. {e.Message}");
            }
        }
    }

    /// <summary>The file may be right as a whole, and what of it can be taken over now may not be: a token that is taken away together with the address that needs one.</summary>
    private void RefuseHalves(ConfigurationChanges changes, LoadedConfiguration loaded)
    {
        var errors = ConfigurationRules.Check(new RuleContext(changes.Running, loaded.Positions, loaded.Positions.Values.FirstOrDefault()?.Source ?? "")).Where(f => f.Severity == Severity.Error && parts.Concerns(f)).ToList();
        if (errors.Count > 0)
        {
            throw new RefusedException(
                $"The file is right, and wants a restart: {string.Join(", ", changes.NeedRestart.Select(k => k.Key))} cannot be changed while {name} runs, and without that\n" + string.Join('\n', errors));
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
