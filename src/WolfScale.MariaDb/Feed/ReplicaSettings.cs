using System.Globalization;
using WolfScale.Protocol;

namespace WolfScale.MariaDb;

/// <summary>What a replica has said about itself before its dump: the user variables it set.</summary>
internal sealed class ReplicaSettings
{
    private const int MaxVariables = 32;
    private readonly Dictionary<string, string> _variables = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Where it stands; null when it does not replicate by GTID, or the text is not a position.</summary>
    public GtidPosition? ConnectState =>
        _variables.TryGetValue("slave_connect_state", out var state) && GtidPosition.TryParse(state, out var position) ? position : null;

    /// <summary>As it was written, for messages.</summary>
    public string ConnectStateText => _variables.GetValueOrDefault("slave_connect_state", "(none)");

    /// <summary>Period it wants heartbeats in; null when it did not say, or said 0.</summary>
    public TimeSpan? Heartbeat =>
        long.TryParse(_variables.GetValueOrDefault("master_heartbeat_period"), NumberStyles.None, CultureInfo.InvariantCulture, out var ns) && ns > 0
            ? TimeSpan.FromMicroseconds(ns / 1000)
            : null;

    public bool WantsSemiSync => Is("rpl_semi_sync_slave", "1");

    public bool IsStrict => Is("slave_gtid_strict_mode", "1");

    /// <summary>Whether it wants the stream to end at a position, which is not offered.</summary>
    public bool WantsUntil => _variables.ContainsKey("slave_until_gtid");

    /// <summary>4: it knows GTID events (<c>MARIA_SLAVE_CAPABILITY_GTID</c>).</summary>
    public bool KnowsGtids => int.TryParse(
        _variables.GetValueOrDefault("mariadb_slave_capability"), NumberStyles.None, CultureInfo.InvariantCulture, out var capability) && capability >= 4;

    /// <summary>Remembers <c>SET @name=value</c>; false where there are too many.</summary>
    public bool TrySet(string name, string value)
    {
        if (_variables.Count >= MaxVariables && !_variables.ContainsKey(name))
            return false;
        _variables[name] = value;
        return true;
    }

    private bool Is(string name, string value) => _variables.GetValueOrDefault(name) == value;
}
