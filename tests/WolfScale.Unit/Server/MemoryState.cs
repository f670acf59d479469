using System.Collections.Immutable;
using WolfScale.Cluster.State;

namespace WolfScale.Unit.Server;

/// <summary>A node's small state, for as long as the test runs.</summary>
internal sealed class MemoryState : IStateStore
{
    private ImmutableSortedDictionary<string, string> _values = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    public string? Get(string key) => _values.GetValueOrDefault(key);

    /// <summary>The write that fails, counted from now on; 0: none.</summary>
    public int Failing { get; set; }

    /// <summary>Writes so far.</summary>
    public int Puts { get; private set; }

    public void Put(string key, string? value)
    {
        Puts++;
        if (Failing > 0 && --Failing == 0)
            throw new IOException("no space");
        _values = value is null ? _values.Remove(key) : _values.SetItem(key, value);
    }

    public IReadOnlyList<KeyValuePair<string, string>> List(string prefix) => [.. _values.Where(v => v.Key.StartsWith(prefix, StringComparison.Ordinal))];

    public IReadOnlyList<StoredPlan> OpenPlans() => [];

    public void SavePlan(StoredPlan plan) => throw new NotSupportedException();

    public void DeletePlan(string id) => throw new NotSupportedException();
}
