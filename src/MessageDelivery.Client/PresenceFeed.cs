using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// The set of users as known from the hub, and its watchers. Outlives a connection: the list of the next one is compared with the known set, so
/// that watchers see one continuous set. What a watcher has not read yet is merged into one difference, which bounds it. Thread-safe.
/// </summary>
/// <param name="update">Called, without a lock, when watchers come or go.</param>
internal sealed class PresenceFeed(Action update)
{
    private readonly Lock _gate = new();
    private readonly List<Watcher> _watchers = [];
    private HashSet<ulong> _users = [];
    private bool _isCertain;
    private bool _isComplete;
    private Exception? _reason;
    private volatile bool _isWanted;

    /// <summary>Whether anybody watches.</summary>
    public bool IsWanted => _isWanted;

    public async IAsyncEnumerable<PresenceUpdate> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var watcher = new Watcher();
        Add(watcher);
        try
        {
            using var _ = cancellationToken.UnsafeRegister(static signal => ((AsyncSignal)signal!).Set(), watcher.Changed);
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (TryTake(watcher, out PresenceUpdate? next, out bool hasEnded, out Exception? reason))
                {
                    yield return next;
                }
                else if (reason is not null)
                {
                    throw reason;
                }
                else if (hasEnded)
                {
                    yield break;
                }
                else
                {
                    await watcher.Changed.WaitAsync().ConfigureAwait(false);
                }
            }
        }
        finally
        {
            Remove(watcher);
        }
    }

    /// <summary>The hub's list, from which changes go on.</summary>
    public void Replace(IReadOnlyCollection<ulong> users)
    {
        lock (_gate)
        {
            var joined = users.Where(user => !_users.Contains(user)).ToArray();
            var next = users.ToHashSet();
            var left = _users.Where(user => !next.Contains(user)).ToArray();
            _users = next;
            _isCertain = true;
            Tell(joined, left);
        }
    }

    /// <summary>Who came or went since the list; ignored while the set is uncertain.</summary>
    public void Apply(PresenceChange change, IEnumerable<ulong> users)
    {
        lock (_gate)
        {
            if (_isCertain)
            {
                var changed = users.Where(change == PresenceChange.Joined ? _users.Add : _users.Remove).ToArray();
                Tell(change == PresenceChange.Joined ? changed : [], change == PresenceChange.Left ? changed : []);
            }
        }
    }

    /// <summary>The set is uncertain until the next list.</summary>
    public void NoteUncertain()
    {
        lock (_gate)
        {
            _isCertain = false;
        }
    }

    /// <summary>The hub refuses: ends the current watchers.</summary>
    public void Fail(Exception reason)
    {
        lock (_gate)
        {
            foreach (Watcher watcher in _watchers)
            {
                (watcher.HasEnded, watcher.Reason) = (true, reason);
                watcher.Changed.Set();
            }

            _watchers.Clear();
            Rest();
        }
    }

    /// <summary>The client is closed for good: ends all watchers, current and future, with the reason if there is one.</summary>
    public void Complete(Exception? reason)
    {
        lock (_gate)
        {
            (_isComplete, _reason) = (true, reason);
            foreach (Watcher watcher in _watchers)
            {
                (watcher.HasEnded, watcher.Reason) = (true, reason);
                watcher.Changed.Set();
            }
        }
    }

    private void Add(Watcher watcher)
    {
        lock (_gate)
        {
            (watcher.HasEnded, watcher.Reason) = (_isComplete, _reason);
            _watchers.Add(watcher);
            _isWanted = true;
            if (_isCertain)
            {
                watcher.Begin(_users);
            }
        }

        update();
    }

    private void Remove(Watcher watcher)
    {
        lock (_gate)
        {
            _watchers.Remove(watcher);
            Rest();
        }

        update();
    }

    private void Rest()
    {
        if (_watchers.Count == 0)
        {
            (_isWanted, _isCertain) = (false, false);
            _users = [];
        }
    }

    private void Tell(ulong[] joined, ulong[] left)
    {
        foreach (Watcher watcher in _watchers)
        {
            if (watcher.HasBegun)
            {
                watcher.Note(joined, left);
            }
            else
            {
                watcher.Begin(_users);
            }
        }
    }

    private bool TryTake(Watcher watcher, [NotNullWhen(true)] out PresenceUpdate? update, out bool hasEnded, out Exception? reason)
    {
        lock (_gate)
        {
            (hasEnded, reason) = (watcher.HasEnded, watcher.Reason);
            return watcher.TryTake(out update);
        }
    }

    /// <summary>One watcher, and the difference to what it has read.</summary>
    private sealed class Watcher
    {
        private readonly HashSet<ulong> _joined = [];
        private readonly HashSet<ulong> _left = [];
        private bool _isSnapshotDue;

        public AsyncSignal Changed { get; } = new();

        public bool HasBegun { get; private set; }

        public bool HasEnded { get; set; }

        public Exception? Reason { get; set; }

        public void Begin(IEnumerable<ulong> users)
        {
            HasBegun = _isSnapshotDue = true;
            _joined.UnionWith(users);
            Changed.Set();
        }

        public void Note(ReadOnlySpan<ulong> joined, ReadOnlySpan<ulong> left)
        {
            foreach (ulong user in joined)
            {
                if (!_left.Remove(user))
                {
                    _joined.Add(user);
                }
            }

            foreach (ulong user in left)
            {
                if (!_joined.Remove(user))
                {
                    _left.Add(user);
                }
            }

            Changed.Set();
        }

        public bool TryTake([NotNullWhen(true)] out PresenceUpdate? update)
        {
            update = null;
            if (!_isSnapshotDue && _joined.Count == 0 && _left.Count == 0)
            {
                return false;
            }

            update = new(_isSnapshotDue, [.. _joined.Order()], [.. _left.Order()]);
            _isSnapshotDue = false;
            _joined.Clear();
            _left.Clear();
            return true;
        }
    }
}
