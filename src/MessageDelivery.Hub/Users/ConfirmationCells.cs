using System.Diagnostics;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Users;

/// <summary>A relay whose receipt waits until its receivers have acknowledged it, or a deadline.</summary>
internal unsafe struct Confirmation
{
    /// <summary>Its neighbours among those that have a deadline, or the next among those that are to be forgotten.</summary>
    public Confirmation* Previous;
    public Confirmation* Next;

    /// <summary>One for each receiver, in the order listed.</summary>
    public ConfirmationReceiver* First;
    public ulong Correlation;
    public long Due;
    public ushort Receivers;

    /// <summary>Receivers that may still acknowledge, and one for who else needs it.</summary>
    public ushort Holds;

    /// <summary>Whether its receipt is sent, or due to nobody any more.</summary>
    public bool IsOver;

    /// <summary>Notes what became of it for each receiver when it was queued.</summary>
    public readonly void NoteOutcomes(ReadOnlySpan<ulong> receivers, ReadOnlySpan<Outcome> outcomes)
    {
        bool mayRepeat = false;
        int i = 0;
        for (var entry = First; entry is not null; entry = entry->Next, i++)
        {
            mayRepeat |= i > 0 && receivers[i] <= receivers[i - 1];
            entry->Outcome = outcomes[i];
            entry->FirstIndex = (byte)(mayRepeat ? receivers.IndexOf(receivers[i]) : i);
        }
    }

    /// <summary>Tells what is known: delivered, or what became of it when it was queued.</summary>
    public readonly void CopyTo(Span<Outcome> known)
    {
        int i = 0;
        for (var entry = First; entry is not null; entry = entry->Next, i++)
        {
            known[i] = entry->FirstIndex < i ? known[entry->FirstIndex]
                : entry->IsDelivered ? Outcome.Delivered : entry->Outcome;
        }
    }
}

/// <summary>Confirmations in the order in which they were added, of which any can be taken out.</summary>
internal unsafe struct ConfirmationList
{
    private Confirmation* _last;

    public Confirmation* First { get; private set; }

    public void Add(Confirmation* added)
    {
        added->Previous = _last;
        added->Next = null;
        if (_last is null)
        {
            First = added;
        }
        else
        {
            _last->Next = added;
        }

        _last = added;
    }

    public void Remove(Confirmation* removed)
    {
        Debug.Assert(removed->Previous is null ? First == removed : removed->Previous->Next == removed, "it stands in another list");
        if (removed->Previous is null)
        {
            First = removed->Next;
        }
        else
        {
            removed->Previous->Next = removed->Next;
        }

        if (removed->Next is null)
        {
            _last = removed->Previous;
        }
        else
        {
            removed->Next->Previous = removed->Previous;
        }

        removed->Previous = removed->Next = null;
    }
}

/// <summary>A receiver of such a relay.</summary>
internal unsafe struct ConfirmationReceiver
{
    public Confirmation* Relay;
    public ConfirmationReceiver* Next;
    public ulong Receiver;

    /// <summary>The receiver's total that covers the message.</summary>
    public ulong Number;
    public Outcome Outcome;
    public bool IsAwaited;
    public bool IsDelivered;

    /// <summary>The index at which this receiver is listed first.</summary>
    public byte FirstIndex;
}

/// <summary>
/// Room for confirmations: cells of equal size in message memory, which all go back to the pool when none is in use. Not thread-safe.
/// </summary>
internal unsafe struct ConfirmationCells(BlockPool pool)
{
    /// <summary>Bytes of a cell; a confirmation takes one, and one for each receiver.</summary>
    public const int CellBytes = 48;

    private List<Block>? _blocks;
    private FreeCell* _free;
    private int _freeCells;

    public int Used { get; private set; }

    /// <summary>Sees to it that so many can be taken.</summary>
    /// <exception cref="InsufficientMemoryException">The machine gives no more; no block is held that was not before.</exception>
    public void Reserve(int cells)
    {
        _blocks ??= [];
        try
        {
            while (_freeCells < cells)
            {
                Grow(_blocks);
            }
        }
        catch when (Used == 0)
        {
            // Else it would be held until the next confirmation is over, if there is one.
            LetGo();
            throw;
        }
    }

    /// <summary>Takes one that was reserved, cleared.</summary>
    public T* Take<T>()
        where T : unmanaged
    {
        Debug.Assert(sizeof(T) <= CellBytes && _freeCells > 0, "no cell was reserved that is large enough");
        var cell = _free;
        _free = cell->Next;
        _freeCells--;
        Used++;
        NativeMemory.Clear(cell, CellBytes);
        return (T*)cell;
    }

    /// <summary>Gives a confirmation back, with its places.</summary>
    public void Return(Confirmation* confirmation)
    {
        for (var entry = confirmation->First; entry is not null;)
        {
            var next = entry->Next;
            Return((FreeCell*)entry);
            entry = next;
        }

        Return((FreeCell*)confirmation);
        if (Used == 0)
        {
            LetGo();
        }
    }

    private void Grow(List<Block> blocks)
    {
        blocks.EnsureCapacity(blocks.Count + 1);
        var block = pool.Rent(blocks.Count == 0 ? BlockSize.Small : BlockSize.Medium);
        blocks.Add(block);
        for (int offset = 0; offset + CellBytes <= block.Capacity; offset += CellBytes)
        {
            Put((FreeCell*)block.Address(offset));
        }
    }

    private void LetGo()
    {
        foreach (var block in _blocks!)
        {
            block.Release();
        }

        _blocks.Clear();
        _free = null;
        _freeCells = 0;
    }

    private void Return(FreeCell* cell)
    {
        Put(cell);
        Used--;
        Debug.Assert(Used >= 0, "a cell was given back twice");
    }

    private void Put(FreeCell* cell)
    {
        cell->Next = _free;
        _free = cell;
        _freeCells++;
    }

    private struct FreeCell
    {
        public FreeCell* Next;
    }
}
