"""What doors, rooms, patrols and visitors share: sorted days, telling the journal, counts of a day."""
