using System.Collections.Immutable;

namespace WolfScale.Consensus;

/// <summary>
/// The configurations that can still be in force: the latest committed one, and those appended after it. The last appended one is in force,
/// committed or not; when its entry is truncated the one before it is again (thesis §4.1).
/// </summary>
internal sealed class ConfigurationHistory
{
    private readonly List<PlacedConfiguration> _items;

    public ConfigurationHistory(ImmutableArray<PlacedConfiguration> restored)
    {
        _items = [.. restored.IsDefault ? [] : restored];
        for (int i = 1; i < _items.Count; i++)
            if (_items[i].Lsn <= _items[i - 1].Lsn)
                throw new ArgumentException("restored configurations must have ascending LSNs", nameof(restored));
    }

    /// <summary>The configuration in force; null before the first one.</summary>
    public Configuration? Active => _items.Count == 0 ? null : _items[^1].Configuration;

    /// <summary>LSN of the entry that holds <see cref="Active"/>.</summary>
    public long ActiveLsn => _items.Count == 0 ? 0 : _items[^1].Lsn;

    /// <summary>Whether the node has a vote in any configuration that can still be in force.</summary>
    public bool AnyHasVoter(NodeKey key)
    {
        foreach (PlacedConfiguration placed in _items)
            if (placed.Configuration.IsVoter(key))
                return true;
        return false;
    }

    public void Append(long lsn, Configuration configuration) => _items.Add(new PlacedConfiguration(lsn, configuration));

    /// <returns>Whether another configuration is in force now.</returns>
    public bool TruncateAfter(long lastKeptLsn)
    {
        int before = _items.Count;
        while (_items.Count > 0 && _items[^1].Lsn > lastKeptLsn)
            _items.RemoveAt(_items.Count - 1);
        return _items.Count != before;
    }

    /// <summary>What is below the latest committed configuration can never be in force again.</summary>
    public void Committed(long commitLsn)
    {
        while (_items.Count > 1 && _items[1].Lsn <= commitLsn)
            _items.RemoveAt(0);
    }
}
