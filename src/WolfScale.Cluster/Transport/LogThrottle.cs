namespace WolfScale.Cluster.Transport;

/// <summary>
/// Lets one line per subject and period through, so that a stranger who hammers the port, or a peer that is down for a day, cannot fill
/// the disk with log. Remembers at most <see cref="MaxSubjects"/> subjects; thread-safe.
/// </summary>
internal sealed class LogThrottle(TimeProvider time, TimeSpan period)
{
    private const int MaxSubjects = 512;
    private readonly Dictionary<string, (long At, int Suppressed)> _subjects = [];
    private readonly Lock _lock = new();

    /// <summary>Whether to log now; <paramref name="suppressed"/> counts the lines left out since the last one.</summary>
    public bool Allow(string subject, out int suppressed)
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            if (_subjects.TryGetValue(subject, out var last) && time.GetElapsedTime(last.At, now) < period)
            {
                _subjects[subject] = (last.At, last.Suppressed + 1);
                suppressed = 0;
                return false;
            }
            if (_subjects.Count >= MaxSubjects)
                _subjects.Clear();
            suppressed = last.Suppressed;
            _subjects[subject] = (now, 0);
            return true;
        }
    }

    /// <summary>Forgets a subject: its next line is news again.</summary>
    public void Reset(string subject)
    {
        lock (_lock)
            _subjects.Remove(subject);
    }
}
