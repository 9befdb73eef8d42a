namespace MessageDelivery.Hub.Loop;

/// <summary>Entries that are over, and whose descriptors are to be closed when the turn ends. The loop's thread.</summary>
internal sealed class ReleasedEntries(EventLoop loop)
{
    private readonly List<LoopEntry> _entries = [];

    public bool IsEmpty => _entries.Count == 0;

    /// <summary>Makes room, so that releasing one needs no memory.</summary>
    public void Reserve(int count) => _entries.EnsureCapacity(count);

    public void Add(LoopEntry entry) => _entries.Add(entry);

    /// <summary>
    /// Closes them, but for those that another thread is sending on: the number of a descriptor must not be given to anyone else meanwhile.
    /// </summary>
    public void Close()
    {
        int left = 0;
        for (int i = 0; i < _entries.Count; i++)
        {
            var entry = _entries[i];
            if (TryClose(entry))
            {
                loop.Entries.Remove(entry);
            }
            else
            {
                _entries[left++] = entry;
            }
        }

        _entries.RemoveRange(left, _entries.Count - left);
    }

    private bool TryClose(LoopEntry entry)
    {
        try
        {
            return entry.TryClose();
        }
        catch (Exception exception)
        {
            loop.NoteFailure(exception);
            return true;
        }
    }
}
