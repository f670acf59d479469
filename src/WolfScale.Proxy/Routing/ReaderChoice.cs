using System.Collections.Immutable;

namespace WolfScale.Proxy.Routing;

/// <summary>
/// Which reader a session has its reads from: the one with the fewest connections, this proxy's and others'. Who is too far behind is no reader at all.
/// </summary>
public static class ReaderChoice
{
    /// <param name="readers">Those that are fit.</param>
    /// <param name="held">The one that the session has, or null.</param>
    /// <param name="turn">Another number for every choice: equals take turns.</param>
    /// <returns>Null where there is none to be had.</returns>
    public static Reader? Choose(ImmutableArray<Reader> readers, Reader? held, uint turn)
    {
        Reader? best = null, still = null;
        for (var i = 0; i < readers.Length; i++)
        {
            var reader = readers[(int)((i + turn) % (uint)readers.Length)];
            if (reader.Load.IsSuspect)
                continue;
            if (reader.Id == held?.Id)
                still = reader;
            if (best is null || Weight(reader) < Weight(best))
                best = reader;
        }

        // The session's own connection is counted with the one it holds: leaving is worth it only where that makes the two more equal.
        return still is not null && Weight(still) < Weight(best!) + 2 ? still : best;
    }

    private static int Weight(Reader reader) => reader.Load.Connections + reader.OtherSessions;
}
