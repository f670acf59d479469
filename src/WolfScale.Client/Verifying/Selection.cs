using System.Collections.Concurrent;

namespace WolfScale.Client.Verifying;

/// <summary>Which objects are compared.</summary>
/// <param name="patterns"><c>SCHEMA.NAME</c> or <c>SCHEMA.*</c>, as the server writes them, case included.</param>
public sealed class Selection(IReadOnlyList<string> patterns)
{
    private readonly ConcurrentDictionary<string, bool> _found = []; // several nodes' objects are looked at at once

    /// <summary>Whether it is wanted.</summary>
    public bool Contains(VerifiedObject candidate)
    {
        var matching = patterns.Where(p => p == $"{candidate.Schema}.{candidate.Name}" || p == $"{candidate.Schema}.*").ToList();
        foreach (var pattern in matching)
            _found[pattern] = true;
        return matching.Count > 0;
    }

    /// <summary>After all nodes' objects have been looked at.</summary>
    /// <exception cref="RefusedException">Exit code 2: a pattern stands for nothing. That nothing is equal everywhere would pass for a proof.</exception>
    public void RequireAllFound()
    {
        if (patterns.Where(p => !_found.ContainsKey(p)).ToList() is { Count: > 0 } missing)
            throw new RefusedException($"--tables: no node has {string.Join(", ", missing)}. Names are taken as the server writes them, case included: SCHEMA.TABLE, or SCHEMA.* for all of a schema.", ExitCode.Invalid);
    }
}
